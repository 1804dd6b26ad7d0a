import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, before, describe, it, type TestContext } from 'node:test'
import { Checker, type LoadOptions } from '../support/checker.js'
import { DaemonProcess } from '../support/daemon-process.js'
import { EsTestClient } from '../support/es-test-client.js'
import { FaultProxy } from '../support/fault-proxy.js'
import { startFakeNlp, type FakeNlp, type FakeNlpOptions } from '../support/fake-nlp.js'
import { KafkaTestClient } from '../support/kafka-test-client.js'
import { sharedStack } from '../support/stack.js'
import { until } from '../support/until.js'

const stack = sharedStack()

describe('a drain', () => {
  let kafka: KafkaTestClient
  let es: EsTestClient

  before(() => {
    kafka = new KafkaTestClient(stack.kafka)
    es = new EsTestClient(stack.elasticsearch)
  })
  after(() => kafka.close())

  async function setUp(
    t: TestContext,
    load: LoadOptions,
    nlpOptions: FakeNlpOptions,
  ): Promise<{ checker: Checker; nlp: FakeNlp }> {
    const nlp = await startFakeNlp(nlpOptions)
    t.after(() => nlp.close())
    const checker = await Checker.load({ kafka, es }, load)
    t.after(() => checker.clean())
    return { checker, nlp }
  }

  function start(
    t: TestContext,
    settings: Readonly<Record<string, string | number | boolean>>,
  ): DaemonProcess {
    const daemon = new DaemonProcess({ settings })
    t.after(() => {
      daemon.kill('SIGKILL')
    })
    return daemon
  }

  it(
    'under load with a slow NLP service ends with 0 within one call, one bulk and half a second, and nothing is lost or called twice',
    { skip: stack.skip },
    async (t) => {
      const { checker, nlp } = await setUp(
        t,
        { partitions: 4, count: 400 },
        { settings: { latencyMs: 2000 } },
      )
      const settings = { ...checker.settings({ ...stack, nlp: nlp.url }), 'nlp.maxConcurrency': 32 }
      const first = start(t, settings)
      checker.startSampling()
      await until('the service has 32 calls in its second round', () => nlp.stats.requests >= 60)
      const exit = await first.stop()
      assert.equal(exit.code, 0, first.tail())
      assert.equal(await kafka.members(checker.group), 0, 'it has left')
      assert.ok(exit.afterMs < 2000 + 500 + 500, `it took ${exit.afterMs} ms`)
      assert.equal(await es.count(checker.index), nlp.answered.length, 'every finished call is a document')
      nlp.change({ latencyMs: 5 })
      start(t, settings)
      await checker.settled()
      const report = await checker.report(nlp.answered)
      assert.deepEqual(report.lost, [])
      assert.equal(report.indexed, 400)
      assert.equal(
        report.doubled + report.foreign + report.commitsPastUnsettled + report.repeatedCalls,
        0,
        JSON.stringify(report),
      )
      assert.ok(report.samples > 0)
    },
  )

  it('releases and counts what had not begun, and says so', { skip: stack.skip }, async (t) => {
    const { checker, nlp } = await setUp(t, { partitions: 1, count: 300 }, { settings: { latencyMs: 300 } })
    const daemon = start(t, { ...checker.settings({ ...stack, nlp: nlp.url }), 'nlp.maxConcurrency': 4 })
    await until('calls are in flight', () => nlp.stats.requests >= 8)
    assert.equal((await daemon.stop()).code, 0)
    const draining = await daemon.logged('daemon.draining')
    assert.ok(Number(draining['leftWaiting']) > 200, JSON.stringify(draining))
  })

  it(
    'leaves out attempts that were between two, and the next run makes them',
    { skip: stack.skip },
    async (t) => {
      let down = true
      const script = (texts: readonly string[]) =>
        down && texts[0]?.endsWith('7') === true ? { status: 500 } : undefined
      const { checker, nlp } = await setUp(t, { partitions: 2, count: 100 }, { script })
      const settings = {
        ...checker.settings({ ...stack, nlp: nlp.url }),
        'nlp.retry.limit': 50,
        'nlp.retry.delayMs': 20_000,
      }
      const daemon = start(t, settings)
      await checker.indexed(90)
      await until('the others were refused', () => nlp.stats.requests >= 100)
      const exit = await daemon.stop()
      assert.equal(exit.code, 0, daemon.tail())
      assert.ok(exit.afterMs < 1500, `it took ${exit.afterMs} ms`)
      const stopped = await daemon.logged('daemon.stopped')
      assert.equal(stopped['released'], 10, JSON.stringify(stopped))
      down = false
      // Not of the first run: with nothing else to send, a text that succeeded is its probe.
      const answered = new Set(nlp.answered)
      const calls = nlp.answered.length
      start(t, settings)
      await checker.settled()
      const report = await checker.report(nlp.answered)
      assert.deepEqual(report.lost, [])
      assert.equal(report.indexed, 100)
      assert.deepEqual(
        nlp.answered.slice(calls).filter((text) => answered.has(text)),
        [],
        'settled offsets behind a released one are remembered in the commit',
      )
    },
  )

  it(
    'that meets its deadline ends with 75 and says what will be redelivered',
    { skip: stack.skip },
    async (t) => {
      const { checker, nlp } = await setUp(t, { partitions: 2, count: 20 }, { settings: { fault: 'hang' } })
      const daemon = start(t, {
        ...checker.settings({ ...stack, nlp: nlp.url }),
        'pipeline.gracefulTimeoutMs': 800,
      })
      await until('calls hang', () => nlp.stats.requests >= 10)
      const exit = await daemon.stop()
      assert.equal(exit.code, 75, daemon.tail())
      assert.ok(exit.afterMs < 800 + 1500, `it took ${exit.afterMs} ms`)
      const cutOff = await daemon.logged('drain.cut_off')
      const redelivered = cutOff['redelivered'] as { topic: string; from: number; to: number }[]
      assert.deepEqual(
        redelivered.map(({ topic, from, to }) => ({ topic, from, to })),
        [
          { topic: checker.topic, from: 0, to: 10 },
          { topic: checker.topic, from: 0, to: 10 },
        ],
      )
    },
  )

  it('is cut off by a second signal, with 75', { skip: stack.skip }, async (t) => {
    const { checker, nlp } = await setUp(t, { partitions: 2, count: 20 }, { settings: { fault: 'hang' } })
    const daemon = start(t, checker.settings({ ...stack, nlp: nlp.url }))
    await until('calls hang', () => nlp.stats.requests >= 10)
    daemon.kill('SIGTERM')
    await daemon.logged('daemon.draining')
    const exit = await daemon.stop('SIGINT')
    assert.equal(exit.code, 75, daemon.tail())
    assert.ok(exit.afterMs < 1500, `it took ${exit.afterMs} ms`)
  })

  it(
    'before the first assignment, with Kafka not there, ends with 0 at once',
    { skip: stack.skip },
    async (t) => {
      const { checker, nlp } = await setUp(t, { partitions: 1, count: 1 }, {})
      const settings = {
        ...checker.settings({ ...stack, nlp: nlp.url }),
        'kafka.brokers': `127.0.0.1:${await freePort()}`,
      }
      const daemon = start(t, settings)
      await daemon.logged('kafka.down')
      const exit = await daemon.stop()
      assert.equal(exit.code, 0, daemon.tail())
      assert.ok(exit.afterMs < 1000, `it took ${exit.afterMs} ms`)
    },
  )

  it(
    'while the NLP service is away ends with 0 at once, and everything stays in Kafka',
    { skip: stack.skip },
    async (t) => {
      const { checker } = await setUp(t, { partitions: 2, count: 50 }, {})
      const settings = checker.settings({ ...stack, nlp: `http://127.0.0.1:${await freePort()}` })
      const daemon = start(t, settings)
      await daemon.logged('nlp.down')
      const exit = await daemon.stop()
      assert.equal(exit.code, 0, daemon.tail())
      assert.ok(exit.afterMs < 1000, `it took ${exit.afterMs} ms`)
      assert.equal(await es.count(checker.index), 0)
    },
  )

  it(
    'where Elasticsearch was never there ends with 0 at once, and nothing was begun',
    { skip: stack.skip },
    async (t) => {
      const { checker, nlp } = await setUp(t, { partitions: 2, count: 50 }, {})
      const settings = checker.settings({ ...stack, nlp: nlp.url })
      const elsewhere = { ...settings, 'elasticsearch.nodes': `http://127.0.0.1:${await freePort()}` }
      const daemon = start(t, elsewhere)
      await daemon.logged('elasticsearch.down')
      await daemon.logged('daemon.running')
      const exit = await daemon.stop()
      assert.equal(exit.code, 0, daemon.tail())
      assert.ok(exit.afterMs < 1000, `it took ${exit.afterMs} ms`)
      assert.equal(nlp.stats.requests, 0)
    },
  )

  it(
    'while Elasticsearch is away goes on trying until the deadline, and loses nothing',
    { skip: stack.skip },
    async (t) => {
      const { checker, nlp } = await setUp(t, { partitions: 2, count: 50 }, {})
      const proxy = await FaultProxy.start({ target: { port: Number(new URL(stack.elasticsearch).port) } })
      t.after(() => proxy.close())
      const settings = checker.settings({ ...stack, nlp: nlp.url })
      const away = {
        ...settings,
        'elasticsearch.nodes': `http://${proxy.address}`,
        'pipeline.gracefulTimeoutMs': 1500,
      }
      const daemon = start(t, away)
      await checker.settled()
      await proxy.set({ kind: 'refuse' })
      await checker.produce(50)
      await daemon.logged('elasticsearch.down')
      const exit = await daemon.stop()
      assert.equal(exit.code, 75, daemon.tail())
      assert.ok(exit.afterMs >= 1400 && exit.afterMs < 1500 + 1500, `it took ${exit.afterMs} ms`)
      const committed = await kafka.committedOffsets(checker.group, checker.topic)
      assert.ok(committed.reduce((sum, offset) => sum + Math.max(0, offset), 0) <= 50, String(committed))
      start(t, settings)
      await checker.settled()
      assert.deepEqual((await checker.report([])).lost, [])
    },
  )

  it(
    'during a rebalance ends with 0, and the other member finishes the work with no call repeated',
    { skip: stack.skip },
    async (t) => {
      const { checker, nlp } = await setUp(t, { partitions: 4, count: 2000 }, { settings: { latencyMs: 40 } })
      const settings = { ...checker.settings({ ...stack, nlp: nlp.url }), 'nlp.maxConcurrency': 16 }
      const one = start(t, settings)
      await checker.indexed(200)
      const other = start(t, settings)
      await other.logged('daemon.starting')
      const exit = await one.stop()
      assert.equal(exit.code, 0, one.tail())
      await checker.settled()
      assert.equal((await other.stop()).code, 0)
      const report = await checker.report(nlp.answered)
      assert.deepEqual(report.lost, [])
      assert.equal(report.indexed, 2000)
      assert.equal(report.repeatedCalls, 0)
    },
  )
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}
