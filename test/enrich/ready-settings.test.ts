import assert from 'node:assert/strict'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { assembleAnalyser } from '../../src/assembly/assemble-nlp.js'
import { analyseOnce } from '../../src/enrich/analyser.js'
import { silentTelemetry } from '../../src/telemetry/silent-telemetry.js'
import { load } from '../config/minimal.js'

const file = (name: string) => fileURLToPath(new URL(`../../config/${name}`, import.meta.url))

interface Seen {
  readonly path: string
  readonly body: unknown
  readonly headers: IncomingHttpHeaders
}

/** A server that answers as documented, and the analyser that the ready settings make for it. */
async function against(t: TestContext, name: string, answer: unknown) {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => (body += text))
    request.on('end', () => {
      const { url: path = '', headers } = request
      seen.push({ path, body: JSON.parse(body), headers })
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A file's address is a default that everybody overrides.
  const { port } = server.address() as AddressInfo
  const settings = { 'nlp.url': `http://127.0.0.1:${port}`, 'nlp.bearerToken': 'token' }
  const { config } = load(settings, { files: [file(name)] })
  const analyser = await assembleAnalyser(config, { environment: {}, telemetry: silentTelemetry })
  t.after(async () => {
    await analyser.close()
    server.close()
  })
  return {
    seen,
    analyse: async (text: string) => {
      const [analysis] = await analyseOnce(analyser, [text])
      return analysis
    },
  }
}

test('the ready settings load as they are, over the configuration to start from', () => {
  for (const name of ['nlp-huggingface.yaml', 'nlp-presidio.yaml']) {
    const { config, origins } = load({}, { environment: {}, files: [file('enrichd.yaml'), file(name)] })
    assert.equal(config.nlp.protocol, 'http')
    assert.match(origins.get('nlp.http.body') ?? '', new RegExp(name))
  }
})

// The request and the answer are the examples of the analyzer's OpenAPI description: docs/api-docs/api-docs.yml in
// https://github.com/microsoft/presidio ("Minimal Request", "Enhanced response").
test('Presidio: the documented request goes out, and the documented answer becomes entities', async (t) => {
  const explanation = { recognizer: 'SpacyRecognizer', original_score: 0.85, validation_result: null }
  const { seen, analyse } = await against(t, 'nlp-presidio.yaml', [
    { entity_type: 'PERSON', start: 0, end: 10, score: 0.85, analysis_explanation: explanation },
    {
      analysis_explanation: null,
      end: 38,
      entity_type: 'US_DRIVER_LICENSE',
      score: 0.6499999999999999,
      start: 30,
    },
  ])
  const text = 'John Smith drivers license is AC432223'
  assert.deepEqual(await analyse(text), {
    entities: [
      { text: 'John Smith', type: 'PERSON', start: 0, end: 10, score: 0.85 },
      { text: 'AC432223', type: 'US_DRIVER_LICENSE', start: 30, end: 38, score: 0.6499999999999999 },
    ],
  })
  assert.deepEqual([seen[0]?.path, seen[0]?.body], ['/analyze', { text, language: 'en' }])
})

// The shape is that of the task's own schemas: packages/tasks/src/tasks/token-classification/spec/input.json and output.json in
// https://github.com/huggingface/huggingface.js; the text is the example of
// https://huggingface.co/docs/inference-providers/tasks/token-classification.
test('Hugging Face: the documented request goes out with the token, and the documented answer becomes entities', async (t) => {
  const { seen, analyse } = await against(t, 'nlp-huggingface.yaml', [
    { entity_group: 'PER', score: 0.99, word: 'sarah jessica parker', start: 11, end: 31 },
    { entity_group: 'PER', score: 0.98, word: 'jessica', start: 52, end: 59 },
  ])
  const inputs = 'My name is Sarah Jessica Parker but you can call me Jessica'
  assert.deepEqual(await analyse(inputs), {
    entities: [
      { text: 'Sarah Jessica Parker', type: 'PER', start: 11, end: 31, score: 0.99 },
      { text: 'Jessica', type: 'PER', start: 52, end: 59, score: 0.98 },
    ],
  })
  const [request] = seen
  assert.equal(request?.path, '/hf-inference/models/dslim/bert-base-NER')
  assert.deepEqual(request.body, { inputs, parameters: { aggregation_strategy: 'simple' } })
  assert.equal(request.headers.authorization, 'Bearer token')
})

const prefixes = { 'nlp-presidio.yaml': 'entity_type', 'nlp-huggingface.yaml': 'entity_group' }
for (const [name, typeKey] of Object.entries(prefixes)) {
  test(`${name}: offsets count code points, so emoji before an entity do not shift it`, async (t) => {
    const text = '🔥👩‍🚒 call "Ann" 😀 at 10.0.0.7\n'
    const at = text.indexOf('10.0.0.7')
    const start = Array.from(text.slice(0, at)).length
    const { analyse, seen } = await against(t, name, [
      { [typeKey]: 'IP', start, end: start + '10.0.0.7'.length, score: 0.6 },
    ])
    const analysis = await analyse(text)
    assert.deepEqual(analysis?.entities, [
      { text: '10.0.0.7', type: 'IP', start: at, end: at + 8, score: 0.6 },
    ])
    assert.notEqual(start, at)
    assert.ok(Object.values(seen[0]?.body as object).includes(text))
  })
}
