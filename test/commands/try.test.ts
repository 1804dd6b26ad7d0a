import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { startFakeNlp, type FakeNlpOptions } from '../support/fake-nlp.js'
import { runCommand, type RunOptions } from './support/run-command.js'

const nowhere = {
  'kafka.brokers': '127.0.0.1:1',
  'kafka.topics': '/^any/,app-logs',
  'kafka.groupId': 'any',
  'elasticsearch.nodes': 'http://127.0.0.1:1',
}

async function tried(
  t: TestContext,
  options: RunOptions,
  { nlp: nlpOptions = {}, settings = {} }: { nlp?: FakeNlpOptions; settings?: Record<string, string> } = {},
) {
  const nlp = await startFakeNlp(nlpOptions)
  t.after(() => nlp.close())
  return { nlp, ...(await runCommand('try', { ...nowhere, 'nlp.url': nlp.url, ...settings }, options)) }
}

/** The lines behind the heading of a stage. */
function stage(stdout: string, name: string): string {
  const [, , lines = ''] = new RegExp(`(^|\\n)${name}\\n((  .*\\n)*)`).exec(stdout) ?? []
  return lines
}

const record = '{"msg":"ERROR disk full","ts":"2024-05-06T07:08:09Z","level":"error","n":9007199254740993}'

describe('try', () => {
  it('shows one record stage by stage, with neither Kafka nor Elasticsearch there', async (t) => {
    const { code, stdout, nlp } = await tried(t, { args: [record] })
    assert.equal(code, 0, stdout)
    assert.match(stage(stdout, 'record'), /as if from app-logs, partition 0, offset 0/)
    assert.match(
      stage(stdout, 'decode'),
      /message {2}"ERROR disk full"\n {2}time {5}2024-05-06T07:08:09.000Z\n {2}level {4}error/,
    )
    assert.match(stage(stdout, 'nlp'), /answered in \d+ ms\n {2}severity high\n {2}entity {3}word "ERROR"/)
    assert.match(stage(stdout, 'document'), /"severity": "high"/)
    assert.match(
      stage(stdout, 'bulk action'),
      /^ {2}\{"index":\{"_index":"enrichd-logs-2024-05","_id":"app-logs-0-0-\d{13}"\}\}\n$/,
    )
    assert.deepEqual(nlp.answered, ['ERROR disk full'])
  })

  it('takes the record from stdin too, without its line end', async (t) => {
    const { code, nlp } = await tried(t, { stdin: 'one plain line\r\n' })
    assert.deepEqual([code, nlp.answered], [0, ['one plain line']])
  })

  it('an empty message makes no call', async (t) => {
    const { code, stdout, nlp } = await tried(t, { args: ['{"message":""}'] })
    assert.deepEqual([code, nlp.stats.requests], [0, 0])
    assert.match(stage(stdout, 'document'), /"status": "skipped"/)
  })

  it('says what would become of a record that is refused, and ends with 1', async (t) => {
    const undecodable = await tried(t, { args: ['{"broken'] }, { settings: { 'decode.format': 'json' } })
    assert.equal(undecodable.code, 1)
    assert.match(stage(undecodable.stdout, 'decode'), /refused: a dead letter with the reason undecodable/)
    const rejected = await tried(t, { args: ['x'] }, { nlp: { settings: { status: 422, body: 'no x' } } })
    assert.equal(rejected.code, 1)
    assert.match(stage(rejected.stdout, 'nlp'), /answered 422.*: no x\n.*a dead letter \(nlp-rejected\)/)
    const wrong = await tried(t, { args: ['x'] }, { nlp: { settings: { status: 404 } } })
    assert.match(stage(wrong.stdout, 'nlp'), /correct the path in nlp\.url.*\n.*stop the line/)
    const unnamed = await tried(t, { args: ['x'] }, { settings: { 'elasticsearch.index': 'app-{service}' } })
    assert.equal(unnamed.code, 1)
    assert.match(stage(unnamed.stdout, 'bulk action'), /none: the record has no text in the field "service"/)
  })

  it('with index-raw the document goes in without entities', async (t) => {
    const { code, stdout } = await tried(
      t,
      { args: ['x'] },
      { nlp: { settings: { status: 422 } }, settings: { 'nlp.onFailure': 'index-raw' } },
    )
    assert.equal(code, 0)
    assert.match(stage(stdout, 'document'), /"status": "failed"/)
  })

  it('for another sink there is a line and no bulk action', async (t) => {
    const { stdout } = await tried(
      t,
      { args: ['x'] },
      { settings: { 'sink.type': 'stdout', 'source.type': 'stdin', 'deadLetter.type': 'file' } },
    )
    assert.match(stage(stdout, 'line'), /standard output/)
    assert.match(stage(stdout, 'document'), /"file": \{/)
  })

  it('an invalid configuration is 78, two records are 2', async () => {
    assert.equal((await runCommand('try', { 'nlp.timeoutMs': 'x' }, { args: ['a'] })).code, 78)
    const settings = { ...nowhere, 'nlp.url': 'embedded:' }
    assert.equal((await runCommand('try', settings, { args: ['a', 'b'] })).code, 2)
  })
})
