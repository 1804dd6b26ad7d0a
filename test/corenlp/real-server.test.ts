import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { assembleAnalyser } from '../../src/assembly/assemble-nlp.js'
import { analyseOnce, type Analyser } from '../../src/enrich/analyser.js'
import type { Analysis } from '../../src/enrich/analysis.js'
import { silentTelemetry } from '../../src/telemetry/silent-telemetry.js'
import { runCommand } from '../commands/support/run-command.js'
import { load } from '../config/minimal.js'

const { CORENLP_URL: url = '' } = process.env

/** Texts with everything that moves an offset or splits a line, and what is certain to be found in them. */
const samples = [
  ['Barack Obama was born in Hawaii.', ['PERSON', 'Barack Obama']],
  ['', undefined],
  ['😀 the fire 🔥 engine 👩‍🚒 of Angela Merkel', ['PERSON', 'Angela Merkel']],
  ['  ', undefined],
  ['job failed\n\tat Paris\r\nfor Angela Merkel', ['PERSON', 'Angela Merkel']],
  [
    'disk full.\u000bReported by Barack Obama\fon\u0085Monday\u2028in Paris\u2029again',
    ['PERSON', 'Barack Obama'],
  ],
  ['100% of a&b=c+d; %41 was sent to Barack Obama', ['PERSON', 'Barack Obama']],
] as const

describe("Stanford's own server", { skip: url === '' && 'npm run test:corenlp starts one' }, () => {
  const analysers: Analyser[] = []
  const analyser = async (batchSize: number) => {
    // The first request with properties that are new to the server makes it build a pipeline.
    const settings = { 'nlp.url': url, 'nlp.protocol': 'corenlp', 'nlp.timeoutMs': '300000' }
    const { config } = load({ ...settings, 'nlp.batchSize': String(batchSize) })
    const made = await assembleAnalyser(config, { environment: {}, telemetry: silentTelemetry })
    analysers.push(made)
    return made
  }
  let single: Analyser
  let batched: Analyser
  before(async () => {
    single = await analyser(1)
    batched = await analyser(16)
  })
  after(() => Promise.all(analysers.map((each) => each.close())))

  it('answers one text a request, whatever characters are in it, with offsets in UTF-16 units', async () => {
    for (const [text, expected] of samples) {
      const [analysis] = await analyseOnce(single, [text])
      assertFound(analysis, text, expected)
    }
  })

  it('answers several texts a request: each has its own entities, with offsets of its own', async () => {
    const texts = samples.map(([text]) => text)
    const analyses = await analyseOnce(batched, texts)
    assert.equal(analyses.length, texts.length)
    for (const [at, [text, expected]] of samples.entries()) assertFound(analyses[at], text, expected)
  })

  it('gives no severity: `try` shows a document with that of the record', async () => {
    const record = JSON.stringify({ level: 'fatal', message: 'Barack Obama was born in Hawaii.' })
    const nowhere = { 'kafka.brokers': '127.0.0.1:1', 'kafka.topics': 'logs', 'kafka.groupId': 'any' }
    const settings = { ...nowhere, 'elasticsearch.nodes': 'http://127.0.0.1:1', 'nlp.timeoutMs': 300_000 }
    const nlp = { 'nlp.url': url, 'nlp.protocol': 'corenlp' }
    const { code, stdout, stderr } = await runCommand('try', { ...settings, ...nlp }, { args: [record] })
    assert.equal(code, 0, stdout + stderr)
    assert.match(stdout, /"severity": ?"critical"/)
    assert.match(stdout, /"Barack Obama"/)
  })
})

function assertFound(
  analysis: Analysis | undefined,
  text: string,
  expected: readonly [type: string, text: string] | undefined,
): void {
  assert.ok(analysis !== undefined)
  assert.equal(analysis.severity, undefined)
  for (const entity of analysis.entities) assert.equal(entity.text, text.slice(entity.start, entity.end))
  if (expected === undefined) {
    assert.deepEqual(analysis.entities, [], JSON.stringify(text))
    return
  }
  const [type, found] = expected
  const start = text.indexOf(found)
  const match = analysis.entities.find((entity) => entity.start === start && entity.type === type)
  assert.equal(
    match?.end,
    start + found.length,
    `${JSON.stringify(text)}: ${JSON.stringify(analysis.entities)}`,
  )
}
