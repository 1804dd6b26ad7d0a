import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runCommand, type RunOptions } from '../commands/support/run-command.js'
import { EsTestClient } from '../support/es-test-client.js'
import { startFakeNlp, type FakeNlp, type FakeNlpOptions } from '../support/fake-nlp.js'
import { KafkaTestClient, uniqueName } from '../support/kafka-test-client.js'
import { sharedStack } from '../support/stack.js'
import { until } from '../support/until.js'

const stack = sharedStack()
const root = fileURLToPath(new URL('../..', import.meta.url))

interface Bed {
  readonly topic: string
  readonly letters: string
  readonly index: string
  readonly group: string
  readonly nlp: FakeNlp
  readonly settings: Record<string, string | number>
  replay(args?: readonly string[], options?: RunOptions): ReturnType<typeof runCommand>
}

describe('replay, against real servers', { skip: stack.skip }, () => {
  let kafka: KafkaTestClient
  let es: EsTestClient
  before(() => {
    kafka = new KafkaTestClient(stack.kafka)
    es = new EsTestClient(stack.elasticsearch)
  })
  after(() => kafka.close())

  async function bed(t: TestContext, nlpOptions: FakeNlpOptions = {}, partitions = 2): Promise<Bed> {
    const topic = await kafka.createTopic({ partitions, config: { 'max.message.bytes': '2000000' } })
    const letters = await kafka.createTopic({ topic: `${topic}.dead-letter`, partitions })
    const nlp = await startFakeNlp(nlpOptions)
    const [index, group] = [`${topic}-index`, `${topic}-group`]
    t.after(async () => {
      await nlp.close()
      await es.deleteIndex(`${index}*`)
      for (const name of [topic, letters]) await kafka.deleteTopic(name)
    })
    const settings = {
      'kafka.brokers': stack.kafka.join(','),
      'kafka.topics': topic,
      'kafka.groupId': group,
      'kafka.sessionTimeoutMs': 6000,
      'kafka.heartbeatIntervalMs': 500,
      'nlp.url': nlp.url,
      'nlp.retry.delayMs': 1,
      'elasticsearch.nodes': stack.elasticsearch,
      'elasticsearch.index': index,
      'elasticsearch.flushIntervalMs': 50,
      'admin.port': 0,
      'log.level': 'error',
    }
    const replay = (args: readonly string[] = [], options: RunOptions = {}) =>
      runCommand('replay', settings, { ...options, args })
    return { topic, letters, index, group, nlp, settings, replay }
  }

  /** Runs the daemon until so many records have ended. */
  async function runUntil({ settings, index, letters }: Bed, ended: number): Promise<void> {
    const shutdown = new AbortController()
    const running = runCommand('run', settings, { shutdown: shutdown.signal })
    try {
      await until(
        'the records have ended',
        async () => (await es.count(index)) + (await count(letters)) >= ended,
      )
    } finally {
      shutdown.abort(new Error('enough'))
    }
    assert.equal((await running).code, 0)
  }

  async function count(topic: string): Promise<number> {
    return (await kafka.endOffsets(topic)).reduce((sum, end) => sum + end, 0)
  }

  const lag = async ({ letters, group }: Bed) => {
    const [ends, committed] = [
      await kafka.endOffsets(letters),
      await kafka.committedOffsets(`${group}.replay`, letters),
    ]
    return ends.reduce((sum, end, at) => sum + end - Math.max(0, committed[at] ?? 0), 0)
  }

  /** Writes dead letters as the daemon would, of records that were never there. */
  async function writeLetters({ topic, letters }: Bed, amount: number): Promise<void> {
    const headers = (offset: number) => ({
      'enrichd-topic': topic,
      'enrichd-partition': '0',
      'enrichd-offset': String(offset),
      'enrichd-timestamp': '1700000000000',
      'enrichd-stage': 'enrich',
      'enrichd-reason': offset % 2 === 0 ? 'nlp-failed' : 'nlp-rejected',
      'enrichd-error': 'no',
      'enrichd-attempts': '3',
    })
    const records = Array.from({ length: amount }, (_, offset) => ({
      value: `record ${offset}`,
      headers: headers(offset),
    }))
    await kafka.produce(letters, records)
  }

  it('what the daemon gave up comes back, as the same documents', async (t) => {
    let broken = true
    const line = await bed(t, {
      script: (texts) => (broken && texts[0]?.includes('bad') === true ? { status: 422 } : undefined),
    })
    const records = Array.from({ length: 40 }, (_, n) => ({
      key: `k${n}`,
      value: `${n % 4 === 0 ? 'bad' : 'good'} ${n}`,
      headers: { h: 'v' },
    }))
    await kafka.produce(line.topic, records)
    await runUntil(line, 40)
    assert.deepEqual([await es.count(line.index), await count(line.letters)], [30, 10])
    const dry = await line.replay(['--dry-run'])
    assert.equal(
      dry.stdout,
      `10 dead letters read, 10 would be brought back\n        10  nlp-rejected  ${line.topic}\n`,
    )
    broken = false
    const { code, stdout } = await line.replay(['--reason', 'nlp-rejected'])
    assert.equal(code, 0, stdout)
    assert.match(stdout, /10 indexed, 0 rejected again/)
    const documents = await es.documents<{ kafka: { partition: number; offset: number; key: string } }>(
      line.index,
    )
    assert.equal(documents.length, 40)
    const originals = await kafka.consumeAll(line.topic)
    const ids = originals.map(
      ({ partition, offset, timestamp }) => `${line.topic}-${partition}-${offset}-${timestamp}`,
    )
    assert.deepEqual(documents.map(({ _id }) => _id).sort(), ids.sort())
    assert.equal(new Set(documents.map(({ _source }) => _source.kafka.key)).size, 40)
    assert.equal(await lag(line), 0)
    assert.match(
      (await line.replay()).stdout,
      /^0 dead letters read, 0 selected\n10 were brought back before/,
    )
    assert.match((await line.replay(['--again'])).stdout, /10 selected\n(.*\n)*10 indexed/)
    assert.equal(await es.count(line.index), 40)
  })

  it('what is rejected again is behind the end that was seen, with its attempts counted, and never in a loop', async (t) => {
    const line = await bed(t, { settings: { status: 422 } })
    await writeLetters(line, 20)
    assert.match((await line.replay()).stdout, /0 indexed, 20 rejected again/)
    assert.deepEqual([line.nlp.stats.requests, await count(line.letters), await lag(line)], [20, 40, 20])
    assert.match((await line.replay()).stdout, /^20 dead letters read, 20 selected\n/)
    const found = await kafka.consumeAll(line.letters)
    const last = found.filter(({ headers }) => String(headers?.['enrichd-replays']) === '2')
    assert.deepEqual([found.length, last.length], [60, 20])
    assert.ok(last.every(({ headers }) => String(headers?.['enrichd-attempts']) === '5'))
    line.nlp.change({})
    assert.match((await line.replay()).stdout, /20 indexed, 0 rejected again/)
    assert.equal(await es.count(line.index), 20)
  })

  it('one record, one reason, one time: the others stay, and come when they are asked for', async (t) => {
    const line = await bed(t)
    await writeLetters(line, 10)
    assert.match((await line.replay(['--record', `${line.topic}-0-3`])).stdout, /1 selected\n.*\n1 indexed/)
    assert.match((await line.replay(['--reason', 'nlp-rejected'])).stdout, /4 selected\n(.*\n)*4 indexed/)
    assert.match((await line.replay(['--to', '2023-01-01'])).stdout, / 0 selected\n/)
    assert.match((await line.replay(['--topic', uniqueName('other')])).stdout, /^0 dead letters read/)
    assert.equal(await es.count(line.index), 5)
    assert.match((await line.replay(['--from', '2023-01-01'])).stdout, /5 selected\n(.*\n)*5 indexed/)
    assert.deepEqual([await es.count(line.index), line.nlp.stats.ok, await lag(line)], [10, 10, 0])
  })

  it('a record that was too large for the dead letter topic comes back whole, or is said to be gone', async (t) => {
    const line = await bed(t, { settings: { status: 422 } }, 1)
    const text = `large ${'x'.repeat(1_500_000)}`
    await kafka.produce(line.topic, [{ value: text }])
    const bounded = { ...line, settings: { ...line.settings, 'nlp.maxTextBytes': 100 } }
    await runUntil(bounded, 1)
    const [letter] = await kafka.consumeAll(line.letters)
    assert.equal(String(letter?.headers?.['enrichd-truncated']), String(text.length))
    line.nlp.change({})
    assert.match((await runCommand('replay', bounded.settings)).stdout, /1 indexed/)
    const [document] = await es.documents<{ message: string }>(line.index)
    assert.equal(document?._source.message.length, text.length)
    await kafka.deleteTopic(line.topic)
    await until('the topic is gone', async () => !(await kafka.topics()).includes(line.topic))
    await kafka.createTopic({ topic: line.topic })
    await kafka.produce(line.topic, [{ value: 'another record at the same coordinates' }])
    const gone = await runCommand('replay', bounded.settings, { args: ['--again'] })
    assert.equal(gone.code, 0)
    assert.match(gone.stdout, /1 hold only the beginning of their record, which is gone/)
  })

  it('killed in the middle, and started again: every record is there once, and little is called twice', async (t) => {
    const line = await bed(t, { settings: { latencyMs: 20 } })
    await writeLetters(line, 400)
    const set = Object.entries(line.settings).flatMap(([key, value]) => ['--set', `${key}=${value}`])
    const child = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts', 'replay', ...set], {
      cwd: root,
      stdio: 'ignore',
    })
    await until('half of it is done', () => line.nlp.stats.ok >= 200)
    child.kill('SIGKILL')
    await once(child, 'exit')
    const before = line.nlp.stats.ok
    assert.ok(before < 400, 'it was killed in the middle')
    const { code, stdout } = await line.replay()
    assert.equal(code, 0, stdout)
    assert.equal(await es.count(line.index), 400)
    assert.equal(await lag(line), 0)
    assert.ok(line.nlp.stats.ok < 800 - before + 400, `${line.nlp.stats.ok} calls for 400 records`)
    assert.match((await line.replay()).stdout, /^0 dead letters read/)
  })

  it('without the dead letter topic there is nothing to bring back', async (t) => {
    const line = await bed(t)
    const { code, stdout } = await line.replay(['--topic', uniqueName('none')])
    assert.equal(code, 0)
    assert.match(stdout, /^0 dead letters read, 0 selected/)
  })
})
