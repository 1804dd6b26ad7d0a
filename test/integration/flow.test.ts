import assert from 'node:assert/strict'
import { connect, createServer, type AddressInfo } from 'node:net'
import { after, before, describe, it, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { startBulkWatch } from '../support/bulk-watch.js'
import type { DaemonProcess } from '../support/daemon-process.js'
import { uniqueName } from '../support/kafka-test-client.js'
import { memoryMiB } from '../support/process-memory.js'
import { sharedStack } from '../support/stack.js'
import { assertExact, assertLogForm, assertNotLogged, TestBed } from '../support/test-bed.js'
import { until } from '../support/until.js'

const stack = sharedStack()

describe('the flow', () => {
  let bed: TestBed

  before(() => {
    bed = new TestBed(stack)
  })
  after(() => bed.close())

  it('makes of every record one document, in batches of 50', { skip: stack.skip }, async (t) => {
    const nlp = await bed.nlp(t, { settings: { latencyMs: 3 } })
    const watch = await startBulkWatch(stack.elasticsearch)
    t.after(() => watch.close())
    const load = await bed.load(t, { partitions: 4, count: 3000 })
    const daemon = bed.start(t, {
      ...load.settings({ ...stack, nlp: nlp.url, elasticsearch: watch.url }),
      'elasticsearch.flushIntervalMs': 2000,
    })
    load.startSampling()
    await load.settled()
    assert.equal((await daemon.stop()).code, 0, daemon.tail())
    assertExact(await load.report(nlp.answered))
    assert.equal(nlp.stats.maxInFlight, 10, 'the default of nlp.maxConcurrency')
    assert.deepEqual([...watch.sizes].sort((a, b) => a - b).slice(-60), Array<number>(60).fill(50))
  })

  it('goes on after a restart where it was, and repeats nothing', { skip: stack.skip }, async (t) => {
    const nlp = await bed.nlp(t, { settings: { latencyMs: 10 } })
    const load = await bed.load(t, { partitions: 3, count: 1500 })
    const settings = load.settings({ ...stack, nlp: nlp.url })
    load.startSampling()
    for (const part of [300, 800]) {
      const daemon = bed.start(t, settings)
      // What the one before finished may be enough: then there is no signal handler yet.
      await daemon.logged('daemon.running')
      await load.indexed(part)
      assert.equal((await daemon.stop()).code, 0, daemon.tail())
    }
    const last = bed.start(t, settings)
    await load.settled()
    assert.equal((await last.stop()).code, 0, last.tail())
    const idle = bed.start(t, settings)
    await idle.logged('daemon.running')
    await pause(500)
    assert.equal((await idle.stop()).code, 0, idle.tail())
    assert.equal((await idle.logged('daemon.stopped'))['processed'], 0)
    assertExact(await load.report(nlp.answered))
  })

  it('does not hold back a last batch that is not full', { skip: stack.skip }, async (t) => {
    const nlp = await bed.nlp(t)
    const watch = await startBulkWatch(stack.elasticsearch)
    t.after(() => watch.close())
    const load = await bed.load(t, { partitions: 1, count: 53 })
    const settings = {
      ...load.settings({ ...stack, nlp: nlp.url, elasticsearch: watch.url }),
      'elasticsearch.flushIntervalMs': 700,
    }
    const daemon = bed.start(t, settings)
    await load.settled()
    assert.deepEqual(watch.sizes, [50, 3])
    await load.produce(7)
    await until('the records are in a batch', () => nlp.answered.length === 60)
    const exit = await daemon.stop()
    assert.equal(exit.code, 0, daemon.tail())
    assert.deepEqual(watch.sizes, [50, 3, 7], 'a drain flushes it, too')
    assert.deepEqual((await load.report(nlp.answered)).lost, [])
  })

  it('carries 100,000 records', { skip: stack.skip }, async (t) => {
    const nlp = await bed.nlp(t)
    const load = await bed.load(t, { partitions: 8, count: 100_000 })
    const daemon = bed.start(t, {
      ...load.settings({ ...stack, nlp: nlp.url }),
      'nlp.maxConcurrency': 100,
      'elasticsearch.maxBatchSize': 1000,
    })
    load.startSampling(500)
    const start = performance.now()
    await load.settled(180_000)
    t.diagnostic(`100,000 records in ${Math.round(performance.now() - start)} ms`)
    assert.equal((await daemon.stop()).code, 0, daemon.tail())
    assertExact(await load.report(nlp.answered))
    assert.ok(nlp.stats.maxInFlight <= 100)
    const perSecond = daemon.lines.filter(({ event }) => event === 'pipeline.progress')
    assert.ok(perSecond.length > 0, 'progress is told')
    assert.ok(daemon.lines.length < 100, `${daemon.lines.length} lines`)
    assertLogForm(daemon)
    assertNotLogged(daemon, [`${load.topic} record 1`, 'key-1'])
  })

  it('takes keys, headers and the trace along', { skip: stack.skip }, async (t) => {
    const nlp = await bed.nlp(t)
    const line = await bed.line(t)
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
    await bed.kafka.produce(line.topic, [
      {
        key: 'order-7',
        value: 'with a trace',
        headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01`, a: 'b' },
      },
      { key: null, value: 'without', headers: { traceparent: 'nonsense' } },
      { key: Buffer.from([0xff, 0x00, 0xfe]), value: 'with a key of bytes' },
      { key: '', value: 'with an empty key', headers: { 'x-twice': ['1', '2'] } },
    ])
    const daemon = bed.start(t, line.settings(nlp))
    await line.settled(4)
    assert.equal((await daemon.stop()).code, 0, daemon.tail())
    const documents = await line.documents()
    const sources = [0, 1, 2, 3].map((offset) => documents.get(`0/${offset}`)?._source)
    assert.deepEqual(
      sources.map((source) => source?.kafka.key),
      ['order-7', null, 'base64:/wD+', ''],
    )
    assert.deepEqual(
      sources.map((source) => source?.trace?.id),
      [traceId, undefined, undefined, undefined],
    )
  })

  it('drops tombstones and counts them, or makes them dead letters', { skip: stack.skip }, async (t) => {
    const nlp = await bed.nlp(t)
    const line = await bed.line(t)
    const write = () =>
      bed.kafka.produce(line.topic, [
        { key: 'a', value: 'a record' },
        { key: 'a', value: null, headers: { why: 'deleted' } },
        { key: 'b', value: null },
      ])
    await write()
    const dropping = bed.start(t, line.settings(nlp))
    await until('all is committed', async () => {
      return (await bed.kafka.committedOffsets(line.group, line.topic))[0] === 3
    })
    assert.equal((await dropping.stop()).code, 0, dropping.tail())
    const stopped = await dropping.logged('daemon.stopped')
    assert.deepEqual([stopped['processed'], stopped['dropped'], stopped['errors']], [1, 2, 0])
    await write()
    const keeping = bed.start(t, { ...line.settings(nlp), 'decode.onTombstone': 'dead-letter' })
    await line.settled(4)
    assert.equal((await keeping.stop()).code, 0, keeping.tail())
    const letters = await line.deadLetters()
    assert.deepEqual([...letters.keys()].sort(), ['0/4', '0/5'])
    const letter = letters.get('0/4')
    assert.deepEqual([letter?.reason, letter?.value, String(letter?.key)], ['tombstone', null, 'a'])
    assert.equal(letter?.headers['why'], 'deleted')
  })

  it('reads a named topic once it appears, and never makes one', { skip: stack.skip }, async (t) => {
    const nlp = await bed.nlp(t)
    const line = await bed.line(t)
    const late = uniqueName('late')
    t.after(() => bed.kafka.deleteTopic(late))
    await bed.kafka.produce(line.topic, [{ value: 'of the topic that is there' }])
    const daemon = bed.start(t, { ...line.settings(nlp), 'kafka.topics': `${line.topic},${late}` })
    await line.settled(1)
    const told = await daemon.logged(
      ({ event, msg = '' }) => event === 'kafka.misconfigured' && msg.includes(late),
    )
    assert.equal(told.level, 'error')
    assert.ok(!(await bed.kafka.topics()).includes(late), 'it was not made')
    await bed.kafka.createTopic({ topic: late })
    await bed.kafka.produce(late, [{ value: 'of the topic that came later' }])
    await line.settled(2)
    assert.equal((await daemon.stop()).code, 0, daemon.tail())
    assert.deepEqual(nlp.answered, ['of the topic that is there', 'of the topic that came later'])
  })

  it('reads what a pattern matches, but no dead letters', { skip: stack.skip }, async (t) => {
    const nlp = await bed.nlp(t)
    const name = uniqueName('pattern')
    const one = await bed.line(t, { topic: `${name}.one` })
    const two = await bed.line(t, { topic: `${name}.two` })
    for (const { topic, deadLetterTopic } of [one, two]) {
      await bed.kafka.produce(topic, [{ value: topic }])
      await bed.kafka.produce(deadLetterTopic, [{ value: 'a dead letter' }])
    }
    const daemon = bed.start(t, {
      ...one.settings(nlp),
      'kafka.topics': `/^${name}\\./`,
      'elasticsearch.index': one.index,
    })
    await until('both are read', () => nlp.answered.length >= 2)
    assert.equal((await daemon.stop()).code, 0, daemon.tail())
    assert.deepEqual([...nlp.answered].sort(), [one.topic, two.topic])
  })

  it('writes messages of 1 MB, in bounded memory', { skip: stack.skip }, async (t) => {
    const nlp = await bed.nlp(t)
    const line = await bed.line(t, { partitions: 2 })
    const count = 60
    const text = (n: number) => `${n} ${'0123456789 abcdefgh '.repeat(50_000).slice(0, 1_000_000)}`
    for (let n = 0; n < count; n++)
      await bed.kafka.produce(line.topic, [{ partition: n % 2, value: text(n) }])
    const maxBufferedBytes = 8 << 20
    const daemon = bed.start(t, {
      ...line.settings(nlp),
      'pipeline.maxBufferedBytes': maxBufferedBytes,
      'nlp.maxConcurrency': 40,
    })
    await line.settled(count, 60_000)
    const peakBytes = peakMemory(daemon)
    assert.equal((await daemon.stop()).code, 0, daemon.tail())
    const documents = await line.documents()
    for (let n = 0; n < count; n++) {
      const source = documents.get(`${n % 2}/${Math.floor(n / 2)}`)?._source
      assert.equal(source?.message, text(n))
      assert.equal(source.enrichment.truncated, true)
    }
    assert.ok(nlp.answered.every((sent) => Buffer.byteLength(sent) <= 16_384))
    t.diagnostic(`peak ${peakBytes >> 20} MiB`)
    // What the reference says of pipeline.maxBufferedBytes, and a fifth.
    const documentedBytes = (300 << 20) + 3 * maxBufferedBytes
    assert.ok(peakBytes < 1.2 * documentedBytes, `${peakBytes >> 20} MiB at its peak`)
  })

  it(
    'makes dead letters of what a strict mapping refuses, with the original bytes, and the others flow',
    { skip: stack.skip },
    async (t) => {
      const nlp = await bed.nlp(t)
      const line = await bed.line(t)
      await bed.es.createIndex(line.index, strictMapping)
      const value = (n: number) =>
        n % 10 === 3 ? `{"message": "record ${n}",  "surprise": ${n}}` : `{"message":"record ${n}"}`
      await bed.kafka.produce(
        line.topic,
        Array.from({ length: 200 }, (_, n) => ({
          key: `key ${n}`,
          value: value(n),
          headers: { n: String(n) },
        })),
      )
      const daemon = bed.start(t, line.settings(nlp))
      await line.settled(200)
      assert.equal((await daemon.stop()).code, 0, daemon.tail())
      const letters = await line.deadLetters()
      assert.equal(letters.size, 20)
      assert.equal((await line.documents()).size, 180)
      for (const [at, { key, value: bytes, headers, reason }] of letters) {
        const n = Number(at.split('/')[1])
        assert.equal(n % 10, 3)
        assert.equal(String(bytes), value(n))
        assert.equal(String(key), `key ${n}`)
        assert.equal(reason, 'document-rejected')
        const { n: own, 'enrichd-error': error, 'enrichd-timestamp': timestamp, ...others } = headers
        assert.equal(own, String(n))
        assert.match(error ?? '', /strict_dynamic_mapping_exception.*surprise/)
        assert.match(timestamp ?? '', /^\d{13}$/)
        assert.deepEqual(others, {
          'enrichd-topic': line.topic,
          'enrichd-partition': '0',
          'enrichd-offset': String(n),
          'enrichd-stage': 'index',
          'enrichd-reason': 'document-rejected',
          'enrichd-attempts': '1',
        })
      }
      assert.deepEqual(await bed.kafka.committedOffsets(line.group, line.topic), [200])
    },
  )

  it(
    'tells no secret at any level, and no text of a record from info on',
    { skip: stack.skip },
    async (t) => {
      const nlp = await bed.nlp(t, {
        script: ([text = '']) =>
          text.includes('refused') ? { status: 422, body: `no: ${text}, canary-bearer-1` } : undefined,
      })
      const line = await bed.line(t)
      const secrets = ['canary-bearer-1', 'canary-header-2', 'canary-es-3', 'canary-sasl-4']
      await bed.kafka.produce(line.topic, [
        { value: 'Robert paid 12 euros' },
        { value: 'refused: Robert paid 12 euros' },
        { value: '{"message": "Robert paid 12 euros", "wrong": ' },
      ])
      const settings = {
        ...line.settings(nlp),
        'log.level': 'trace',
        'nlp.bearerToken': secrets[0] ?? '',
        'elasticsearch.username': 'elastic',
        'elasticsearch.password': secrets[2] ?? '',
      }
      const env = { ENRICHD_NLP_HEADERS: JSON.stringify({ 'x-api-key': secrets[1] }) }
      const daemon = bed.start(t, settings, env)
      await line.settled(3)
      assert.equal((await daemon.stop()).code, 0, daemon.tail())
      // Who may read the record may read what the service said of it.
      const refused = (await line.deadLetters()).get('0/1')
      assert.match(
        refused?.headers['enrichd-error'] ?? '',
        /answered 422.*: no: refused: Robert paid 12 euros, \[secret\]$/,
      )
      // A listener without SASL: the login fails again and again.
      const locked = bed.start(
        t,
        {
          ...settings,
          'nlp.headers': '{"x-api-key":"canary-header-2"}',
          'kafka.sasl.mechanism': 'plain',
          'kafka.sasl.username': 'enrichd',
        },
        { ENRICHD_KAFKA_SASL_PASSWORD: secrets[3] ?? '' },
      )
      await locked.logged(({ event = '' }) => /^kafka\.(down|misconfigured)$/.test(event))
      assert.equal((await locked.stop()).code, 0, locked.tail())
      for (const one of [daemon, locked]) {
        assertLogForm(one)
        assertNotLogged(one, secrets, ['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
        assertNotLogged(one, ['Robert', '12 euros'])
        assert.ok(!one.lines.some(({ event }) => event === 'dead_letter.topic_missing'))
      }
    },
  )

  it(
    'waits for a Kafka that is not there, with a line for each attempt, and begins when it comes',
    { skip: stack.skip },
    async (t) => {
      const nlp = await bed.nlp(t)
      const line = await bed.line(t)
      await bed.kafka.produce(line.topic, [{ value: 'it was worth the wait' }])
      const port = await freePort()
      const daemon = bed.start(t, { ...line.settings(nlp), 'kafka.brokers': `127.0.0.1:${port}` })
      const { admin } = await daemon.logged('daemon.starting')
      const attempts = () => daemon.lines.filter(({ event = '' }) => /^kafka\.(still_)?down$/.test(event))
      await until('three attempts', () => attempts().length >= 3)
      assert.equal((await fetch(`${String(admin)}readyz`)).status, 503)
      assert.equal((await fetch(`${String(admin)}livez`)).status, 200)
      await forward(t, port, stack.kafka[0] ?? '')
      await line.settled(1)
      assert.equal((await fetch(`${String(admin)}readyz`)).status, 200)
      const exit = await daemon.stop()
      assert.equal(exit.code, 0, daemon.tail())
      assertLogForm(daemon)
    },
  )

  it('ends at once with 78 for a wrong configuration, and 2 for a wrong command line', async (t) => {
    const wrong = bed.start(t, { 'nlp.maxConcurency': 5 })
    assert.equal((await wrong.ended()).code, 78)
    assert.match(wrong.other.join('\n'), /nlp\.maxConcurency.*nlp\.maxConcurrency/s)
    assert.match(wrong.other.join('\n'), /kafka\.brokers/, 'all errors at once')
    const unknown = bed.start(t, {}, { ENRICHD_NLP_ULR: 'x' })
    assert.equal((await unknown.ended()).code, 78)
    const usage = bed.start(t, { '=': 1 })
    assert.equal((await usage.ended()).code, 2)
  })
})

const strictMapping = {
  mappings: {
    dynamic: 'strict',
    properties: {
      '@timestamp': { type: 'date' },
      message: { type: 'text' },
      severity: { type: 'keyword' },
      entities: { type: 'object', dynamic: true },
      kafka: { type: 'object', dynamic: true },
      enrichment: { type: 'object', dynamic: true },
    },
  },
}

/** What was resident at most. */
function peakMemory({ pid }: DaemonProcess): number {
  return memoryMiB(pid, 'VmHWM') * 1024 * 1024
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** From now on the port leads to the broker. */
async function forward(t: TestContext, port: number, broker: string): Promise<void> {
  const [host = '', target = '0'] = broker.split(':')
  const server = createServer((client) => {
    const upstream = connect(Number(target), host)
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.pipe(to)
      from.on('error', () => to.destroy())
      from.on('close', () => to.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  t.after(() => server.close())
}
