import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import winkModel from 'wink-eng-lite-web-model'
import winkNlp, { type Detail } from 'wink-nlp'
import { analyseText } from '../../src/nlp-engine/analyse-text.js'
import { findPatterns } from '../../src/nlp-engine/find-patterns.js'
import { loadNameFinder } from '../../src/nlp-engine/find-names.js'
import { findProse } from '../../src/nlp-engine/find-prose.js'
import { labelledLines } from './support/measure-quality.js'

const findNames = await loadNameFinder()
const found = (text: string): string[] => analyseText(text).entities.map((it) => `${it.type} ${it.text}`)

describe('analyseText', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['from 10.0.0.1:8080 to [2001:db8::1]:443', ['ip 10.0.0.1', 'port 8080', 'ip 2001:db8::1', 'port 443']],
    ['address ::ffff:10.0.0.1 and 256.1.1.1', ['ip ::ffff:10.0.0.1']],
    ['hardware address FF:F2:9F:16:E0:DA:00:0D:60:E9', []],
    ['std::abc and dead::beef are no addresses', []],
    ['10.0.0.1:99999 is no port', ['ip 10.0.0.1']],
    ['see https://example.com/a(b)?c=d#e, then go', ['url https://example.com/a(b)?c=d#e']],
    ['java.io and java.net.URL and nova.compute.manager are no hosts', []],
    ['db-1.prod.internal answers, localhost not', ['host db-1.prod.internal', 'host localhost']],
    ['mail a.b+c@example.org now', ['email a.b+c@example.org']],
    ['open /etc/hosts, and/or "C:\\Users\\x\\a b.txt"', ['path /etc/hosts', 'path C:\\Users\\x\\a']],
    ['took 1.5s, then 3 minutes, at 5m', ['duration 1.5s', 'duration 3 minutes', 'duration 5m']],
    ['1,024 KiB of 2.5GB at 10 MB/s', ['size 1,024 KiB', 'size 2.5GB', 'size 10 MB/s']],
    [
      'ECONNRESET, EXAMPLE, E1234 and ORA-00600',
      ['error-code ECONNRESET', 'error-code E1234', 'error-code ORA-00600'],
    ],
    ['exit code 0, then exit code 3', ['error-code 3']],
    [
      'java.sql.SQLException and RangeError, an Error, onError',
      ['exception java.sql.SQLException', 'exception RangeError'],
    ],
    ['GET /a HTTP/1.1" 503 12; status=404', ['path /a', 'http-status 503', 'http-status 404']],
    ['503 Service Unavailable', ['http-status 503']],
    [
      'id 550e8400-e29b-41d4-a716-446655440000 blk_-123',
      ['identifier 550e8400-e29b-41d4-a716-446655440000', 'identifier blk_-123'],
    ],
    ['traceId=ab12cd34 uid=0 utf_8', ['identifier ab12cd34']],
    ['in eu-west-1a and westeurope', ['cloud-region eu-west-1a', 'cloud-region westeurope']],
    ['paid $20 on 5 May, about two hours ago', ['money $20', 'date 5 May', 'time two hours ago']],
    ['wait 5 10.0.0.1 days', ['ip 10.0.0.1']],
    ['', []],
    ['nothing to see', []],
  ]
  for (const [text, expected] of cases) {
    it(`finds ${expected.join(', ') || 'nothing'} in “${text}”`, () => {
      assert.deepEqual(found(text), expected)
    })
  }

  it('counts in UTF-16 units', () => {
    const [entity] = analyseText('😀 é 10.0.0.1').entities
    assert.deepEqual(entity, { text: '10.0.0.1', type: 'ip', start: 5, end: 13 })
  })

  it('finds people, places and organisations where asked to', () => {
    const { entities } = analyseText('Mail from John Smith of Microsoft in Berlin via 10.0.0.1', [findNames])
    assert.deepEqual(
      entities.map(({ type }) => type),
      ['person', 'organisation', 'place', 'ip'],
    )
  })

  const pieces = [
    ...labelledLines.flatMap(({ text }) => text.split(/(?<=\s)/)),
    ' ',
    '\n',
    '\r\n',
    '\u00a0',
    '😀',
    '\u2028',
    '\0',
    '5 days ',
    'May 5 ',
  ]
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map((parts) => parts.join('')),
  )
  it('gives entities that are in the text, sorted and never overlapping, whatever the text', () => {
    fc.assert(
      fc.property(text, (source) => {
        let position = 0
        for (const { text: name, start, end } of analyseText(source, [findNames]).entities) {
          assert.equal(source.slice(start, end), name)
          assert.ok(start >= position && end > start)
          position = end
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('findProse', () => {
  it('spares wink no text in which it would find something', () => {
    const nlp = winkNlp(winkModel, ['sbd', 'ner'])
    const types = new Set(['DATE', 'TIME', 'MONEY', 'PERCENT', 'DURATION'])
    const sentences = [
      'Last seen on the 3rd of march',
      'Due next friday at noon',
      'Cost was 20 dollars or 5 euros',
      'Costs EUR 20 and 15 USD',
      'Expires in 2031',
      'Half an hour late',
      'twenty percent done',
      'at 5 o clock',
      'back in a fortnight',
      'two years ago',
      'since the 1990s',
    ]
    const expected: string[] = []
    const actual: string[] = []
    for (const line of [...sentences, ...labelledLines.map((it) => it.text)]) {
      const rest = findPatterns(line).reduce(
        (text, { start, end }) => text.slice(0, start) + '\t'.repeat(end - start) + text.slice(end),
        line,
      )

      const there = nlp.readDoc(rest).entities().out(nlp.its.detail) as unknown as Detail[]
      const isNoise = ({ type, value }: Detail): boolean =>
        !types.has(type) || /^\d+$/.test(value) || (type === 'DURATION' && !value.includes(' '))
      const kept = there.filter((it) => !isNoise(it))
      expected.push(...kept.map(({ value }) => value))
      actual.push(...findProse(rest).map(({ start, end }) => rest.slice(start, end)))
    }
    assert.deepEqual(actual, expected)
    assert.ok(actual.length > 12)
  })
})
