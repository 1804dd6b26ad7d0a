import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { bodyTemplate } from '../../src/enrich/body-template.js'
import { fromCodePoints } from '../../src/enrich/code-points.js'
import { cutText } from '../../src/enrich/cut-text.js'
import { jsonPointer } from '../../src/enrich/json-pointer.js'
import type { NlpProtocol } from '../../src/enrich/nlp-protocol.js'
import { corenlpProtocol } from '../../src/enrich/protocols/corenlp.js'
import { enrichdProtocol } from '../../src/enrich/protocols/enrichd.js'
import { httpProtocol, type HttpProtocolOptions } from '../../src/enrich/protocols/http.js'
import { loadAdapter } from '../../src/enrich/protocols/load-adapter.js'
import { EnrichdError } from '../../src/errors.js'

const parse = (protocol: NlpProtocol, value: unknown, texts: readonly string[]) =>
  protocol.parse(
    { status: 200, headers: {}, body: typeof value === 'string' ? value : JSON.stringify(value) },
    texts,
  )
const bad = (run: () => unknown) => {
  assert.throws(
    run,
    (error) => error instanceof EnrichdError && error.code === 'NLP_BAD_ANSWER' && error.kind === 'suspect',
  )
}

const enrichd = enrichdProtocol({ path: '/analyse?lang=en' })

test('enrichd: one text is {text}, several are {texts}, at the path that was given', () => {
  assert.deepEqual(enrichd.request(['a "b"']), {
    method: 'POST',
    path: '/analyse?lang=en',
    contentType: 'application/json',
    body: '{"text":"a \\"b\\""}',
  })
  assert.equal(enrichd.request(['a', 'b']).body, '{"texts":["a","b"]}')
})

test('enrichd: single and batched answers are read, and only our fields are kept', () => {
  const one = {
    entities: [{ text: 'web-1', type: 'host', start: 3, end: 8, score: 0.5, more: 1 }],
    severity: 'HIGH',
  }
  const read = { entities: [{ text: 'web-1', type: 'host', start: 3, end: 8, score: 0.5 }], severity: 'high' }
  assert.deepEqual(parse(enrichd, one, ['on web-1 now']), [read])
  assert.deepEqual(parse(enrichd, { results: [one, { entities: [] }] }, ['on web-1 now', 'x']), [
    read,
    { entities: [] },
  ])
})

const wrongAnswers: Record<string, unknown> = {
  'not JSON': 'hello',
  empty: '',
  'cut off': '{"entities":[{"te',
  null: 'null',
  'an array': [],
  'no entities': {},
  'entities no array': { entities: {} },
  'an entity no object': { entities: [1] },
  'no type': { entities: [{ text: 'a' }] },
  'neither text nor offsets': { entities: [{ type: 'a' }] },
  'only a start': { entities: [{ type: 'a', text: 'a', start: 0 }] },
  'offsets outside': { entities: [{ type: 'a', start: 0, end: 99 }] },
  'a negative offset': { entities: [{ type: 'a', start: -1, end: 1 }] },
  'half an offset': { entities: [{ type: 'a', start: 0.5, end: 1 }] },
  'end before start': { entities: [{ type: 'a', start: 2, end: 1 }] },
  'a score in words': { entities: [{ type: 'a', text: 'a', score: 'high' }] },
  'an unknown severity': { entities: [], severity: 'urgent' },
  'a severity that every object has': { entities: [], severity: 'constructor' },
  'a severity that is a prototype': { entities: [], severity: '__proto__' },
}
for (const [name, answer] of Object.entries(wrongAnswers)) {
  test(`enrichd: a wrong answer is a bad one: ${name}`, () => {
    bad(() => parse(enrichd, answer, ['text']))
  })
}

test('enrichd: as many results as texts, or it is a bad answer', () => {
  bad(() => parse(enrichd, { results: [{ entities: [] }] }, ['a', 'b']))
})

test('whatever comes back, a protocol reads it or calls it a bad answer', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.array(fc.string(), { minLength: 1, maxLength: 3 }), (value, texts) => {
      for (const protocol of [
        enrichd,
        corenlpProtocol({ path: '/', batched: true }),
        httpProtocol(presidio),
      ]) {
        try {
          const analyses = parse(protocol, value, protocol.maxTexts === 1 ? texts.slice(0, 1) : texts)
          assert.ok(analyses.length >= 1)
        } catch (error) {
          assert.ok(error instanceof EnrichdError && error.code === 'NLP_BAD_ANSWER')
        }
      }
    }),
  )
})

test('corenlp: the text is the body, as text/plain, and the properties ask for nothing but JSON', () => {
  const request = corenlpProtocol({ path: '/', batched: false }).request(['a\nb & c'])
  assert.equal(request.body, 'a\nb & c')
  assert.equal(request.contentType, 'text/plain; charset=utf-8')
  assert.equal(decodeURIComponent(request.path), '/?properties={"outputFormat":"json"}')
  const own = corenlpProtocol({ path: '/?properties=%7B%7D', batched: true }).request(['a'])
  assert.equal(own.path, '/?properties=%7B%7D')
})

test('corenlp: a batch is one line a text, and mentions are mapped by offset across blank texts', () => {
  const protocol = corenlpProtocol({ path: '/', batched: true })
  const texts = ['Ann\nran', '', 'to Rome\u2028😀 Bob']
  const { body } = protocol.request(texts)
  assert.equal(body, 'Ann ran\n\nto Rome 😀 Bob')
  const mention = (text: string, ner: string, nerConfidences = {}) => {
    const characterOffsetBegin = body.indexOf(text)
    return {
      text,
      ner,
      characterOffsetBegin,
      characterOffsetEnd: characterOffsetBegin + text.length,
      nerConfidences,
    }
  }
  const answer = {
    sentences: [
      { entitymentions: [mention('Ann', 'PERSON', { PERSON: 0.9 })] },
      { entitymentions: [mention('Rome', 'CITY', { CITY: -1 }), mention('Bob', 'PERSON')] },
      {},
    ],
  }
  assert.deepEqual(parse(protocol, answer, texts), [
    { entities: [{ text: 'Ann', type: 'PERSON', start: 0, end: 3, score: 0.9 }] },
    { entities: [] },
    {
      entities: [
        { text: 'Rome', type: 'CITY', start: 3, end: 7 },
        { text: 'Bob', type: 'PERSON', start: 11, end: 14 },
      ],
    },
  ])
})

const presidio: HttpProtocolOptions = {
  method: 'POST',
  path: '/analyze',
  contentType: 'application/json',
  body: '{"text": "{{text}}", "language": "en"}',
  entities: '',
  entity: { type: '/entity_type', start: '/start', end: '/end', score: '/score' },
  offsetUnit: 'codePoint',
}

test('http: Presidio, as its documentation shows it, with offsets in code points and the text cut from the source', () => {
  const text = '😀 call 212-555-5555'
  const answer = [{ entity_type: 'PHONE_NUMBER', start: 7, end: 19, score: 0.75, analysis_explanation: null }]
  assert.deepEqual(parse(httpProtocol(presidio), answer, [text]), [
    { entities: [{ text: '212-555-5555', type: 'PHONE_NUMBER', start: 8, end: 20, score: 0.75 }] },
  ])
})

test('http: pointers find entities, severity and lengths wherever they are', () => {
  const protocol = httpProtocol({
    ...presidio,
    entities: '/result/0/found',
    severity: '/result/0/level~1name',
    entity: { type: '/t', start: '/at', length: '/len', text: '/word' },
    offsetUnit: 'utf16',
  })
  const answer = { result: [{ found: [{ t: 'x', at: 1, len: 2 }], 'level/name': 'low' }] }
  assert.deepEqual(parse(protocol, answer, ['abcd']), [
    { entities: [{ text: 'bc', type: 'x', start: 1, end: 3 }], severity: 'low' },
  ])
})

test('http: nothing in the place of the entities is none of them, but no analysis where something else is told', () => {
  const protocol = httpProtocol({ ...presidio, entities: '/found' })
  assert.deepEqual(parse(protocol, { language: 'en' }, ['a']), [{ entities: [] }])
  for (const answer of [null, 1, 'ok', { error: 'model overloaded' }, { errors: [] }, { found: {} }])
    bad(() => parse(protocol, answer, ['a']))
})

test('http: a setting that cannot work is named at once', () => {
  assert.throws(() => httpProtocol({ ...presidio, entities: 'entities' }), /nlp\.http\.entities/)
  assert.throws(() => httpProtocol({ ...presidio, body: '{}' }), /nlp\.http\.body/)
  assert.throws(() => httpProtocol({ ...presidio, body: '{"text": {{text}}}' }), /inside a string/)
  assert.throws(
    () => httpProtocol({ ...presidio, contentType: 'application/xml', body: '<t>{{text}}</t>' }),
    /safely/,
  )
})

test('a text cannot break out of a JSON template', () => {
  const fill = bodyTemplate(
    '{"inputs": "{{text}}", "again": ["<{{text}}>"], "p": {"a": 1}}',
    'application/json',
  )
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.deepEqual(JSON.parse(fill(text)), { inputs: text, again: [`<${text}>`], p: { a: 1 } })
    }),
  )
  assert.deepEqual(JSON.parse(fill('","p":{"a":2},"x":"$& {{text}}')), {
    inputs: '","p":{"a":2},"x":"$& {{text}}',
    again: ['<","p":{"a":2},"x":"$& {{text}}>'],
    p: { a: 1 },
  })
})

test('a text cannot break out of a form', () => {
  const fill = bodyTemplate('lang=en&text={{text}}', 'application/x-www-form-urlencoded; charset=utf-8')
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      assert.deepEqual(
        [...new URLSearchParams(fill(text))],
        [
          ['lang', 'en'],
          ['text', text],
        ],
      )
    }),
  )
})

test('a JSON pointer walks own properties only', () => {
  const value = { a: [{ 'b/c': { '~': 1 } }] }
  assert.equal(jsonPointer('/a/0/b~1c/~0')(value), 1)
  assert.equal(jsonPointer('')(value), value)
  assert.equal(jsonPointer('/constructor/name')(value), undefined)
  assert.equal(jsonPointer('/a/length/x')(value), undefined)
  assert.throws(() => jsonPointer('a'), TypeError)
})

test('offsets in code points become UTF-16 units', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(), (text, at) => {
      const points = Array.from(text)
      const index = points.length === 0 ? 0 : at % (points.length + 1)
      assert.equal(fromCodePoints(text)(index), points.slice(0, index).join('').length)
    }),
  )
  assert.ok(fromCodePoints('😀')(5) > 2)
})

test('a text is cut at a code point, is well-formed, and keeps its offsets', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 4, max: 60 }), (message, maxBytes) => {
      const { text, truncated } = cutText(message, maxBytes)
      const whole = Buffer.from(message).toString()
      assert.ok(Buffer.byteLength(text) <= maxBytes)
      assert.ok(whole.startsWith(text))
      assert.equal(truncated, Buffer.byteLength(message) > maxBytes)
      if (truncated) assert.ok(Buffer.byteLength(text) > maxBytes - 4)
    }),
  )
  assert.equal(cutText('a\ud800b', 100).text, 'a\ufffdb')
})

const adapterFile = (source: string) => {
  const file = join(mkdtempSync(join(tmpdir(), 'adapter-')), 'adapter.mjs')
  writeFileSync(file, source)
  return file
}

test('an adapter of the user words the request and reads the answer, and what it returns is checked', async () => {
  const file = adapterFile(`export default {
    name: 'ours', maxTexts: 2,
    request: (texts, { path }) => ({ path: path + '/x', body: texts.join('|') }),
    parse: ({ body }, texts) => body === 'throw' ? undefined.x : texts.map((text) => ({ entities: [{ type: body, text }] })),
  }`)
  const adapter = await loadAdapter(file, { path: '/v1' })
  assert.equal(adapter.name, 'ours')
  assert.equal(adapter.maxTexts, 2)
  assert.deepEqual(adapter.request(['a', 'b']), {
    method: 'POST',
    path: '/v1/x',
    contentType: 'application/json',
    body: 'a|b',
  })
  assert.deepEqual(parse(adapter, 'T', ['a']), [{ entities: [{ text: 'a', type: 'T' }] }])
  bad(() => parse(adapter, 'throw', ['a']))
  bad(() => parse(adapter, '', ['a']))
})

test('an adapter that cannot be used is an invalid configuration, with the reason', async () => {
  const reasons = [
    ['export const a = 1', /no default export/],
    ['export default {}', /request and parse/],
    ['export default { request() {}, parse() {}, maxTexts: 0 }', /maxTexts/],
    ['syntax error', /cannot be loaded/],
  ] as const
  for (const [source, reason] of reasons) {
    await assert.rejects(loadAdapter(adapterFile(source), { path: '/' }), (error) => {
      assert.ok(error instanceof EnrichdError && error.code === 'CONFIG_INVALID')
      assert.match(error.message, reason)
      return true
    })
  }
})
