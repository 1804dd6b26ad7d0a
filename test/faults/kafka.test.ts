import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { after, before, describe, it } from 'node:test'
import { cannotStartStack, sharedStack, startStack } from '../support/stack.js'
import { until } from '../support/until.js'
import { kafkaOutages } from './support/kafka-outages.js'
import { startProxiedKafka, type ProxiedKafka } from './support/kafka-stack.js'
import { inFlight, Lab, longForm, objections, summary, type Allowed } from './support/lab.js'
import { outageMs, shortMs, surviveOutages } from './support/outages.js'

const shared = sharedStack()
const skip = shared.skip || cannotStartStack()
const onlyLong = skip || (!longForm && 'only in `npm run test:faults`')
/** Settled since the last commit that got through. */
const sinceLastCommit = 60

describe('a Kafka that fails', () => {
  let front: ProxiedKafka
  const afterAll: (() => Promise<void>)[] = []

  before(async () => {
    if (skip) return
    front = await startProxiedKafka({ after: (run) => void afterAll.push(run) }, shared)
  })
  after(async () => {
    for (const run of afterAll) await run()
  })

  const outages = kafkaOutages(() => front.proxy)
  const chosen = outages.filter(({ short }) => short)
  it(
    `for a while, in ${chosen.length} ways after one another, loses nothing and doubles nothing`,
    { skip: skip || (longForm && 'in the long form each by itself') },
    async (t) => {
      const lab = await Lab.open(t, { servers: front.servers })
      await surviveOutages(lab, chosen, { forMs: outageMs(shortMs), ...repeats(chosen.length) })
    },
  )
  for (const outage of outages) {
    it(`${outage.name}: loses nothing and doubles nothing`, { skip: onlyLong }, async (t) => {
      const lab = await Lab.open(t, { servers: front.servers })
      await surviveOutages(lab, [outage], { forMs: outageMs(shortMs), ...repeats(1) })
    })
  }

  it('killed and started again: loses nothing and doubles nothing', { skip }, async (t) => {
    const lab = await Lab.open(t, { servers: front.servers, load: { count: 2000 } })
    const daemon = lab.start()
    await lab.checker.indexed(300)
    await front.stack.kill('kafka')
    await pause(outageMs(2000))
    await front.stack.start('kafka')
    const report = await lab.drained(90_000)
    lab.keep(summary(report))
    assert.ok(daemon.running, daemon.tail())
    assert.deepEqual(objections(report, repeats(1)), [])
  })

  it('shut down and started again: loses nothing and doubles nothing', { skip: onlyLong }, async (t) => {
    const lab = await Lab.open(t, { servers: front.servers, load: { count: 2000 } })
    lab.start()
    await lab.checker.indexed(300)
    await front.stack.stop('kafka')
    await pause(outageMs(2000))
    await front.stack.start('kafka')
    const report = await lab.drained(90_000)
    lab.keep(summary(report))
    assert.deepEqual(objections(report, repeats(1)), [])
  })

  it(
    'partitions that come later are read from their beginning, while the others flow',
    { skip },
    async (t) => {
      const lab = await Lab.open(t, { servers: front.servers, load: { partitions: 2, count: 600 } })
      lab.start()
      await lab.checker.indexed(100)
      await lab.kafka.addPartitions(lab.checker.topic, 5)
      const late = Array.from({ length: 30 }, (_, n) => ({
        partition: 2 + (n % 3),
        value: JSON.stringify({ message: `late record ${n}` }),
      }))
      await lab.kafka.produce(lab.checker.topic, late)
      await until('all are indexed', async () => (await lab.es.count(lab.checker.index)) === 630)
      assert.equal(lab.nlp.answered.filter((text) => text.startsWith('late')).length, 30)
      assert.equal(lab.repeatedCalls, 0)
    },
  )

  for (const [second, count] of [
    ['a shorter', 300],
    ['a longer', 1200],
  ] as const) {
    it(
      `a topic that is deleted and made again for ${second} life: new records neither overwrite old documents nor are skipped for old offsets`,
      { skip },
      async (t) => {
        const lab = await Lab.open(t, { servers: front.servers, load: { partitions: 2, count: 400 } })
        lab.start()
        await lab.drained()
        const { topic, index } = lab.checker
        await lab.kafka.deleteTopic(topic)
        await until('it is gone', async () => !(await lab.kafka.topics()).includes(topic))
        await lab.kafka.createTopic({ topic, partitions: 2 })
        const again = Array.from({ length: count }, (_, n) => ({
          partition: n % 2,
          value: JSON.stringify({ message: `second life ${n}` }),
        }))
        await lab.kafka.produce(topic, again)
        const all = 400 + count
        await until('all of both lives are there', async () => (await lab.es.count(index)) >= all, 60_000)
        assert.equal(await lab.es.count(index), all)
        const answered = lab.nlp.answered.filter((text) => text.startsWith('second life'))
        assert.equal(new Set(answered).size, count)
        lab.keep({ second, repeatedCalls: answered.length - count })
      },
    )
  }

  /** A Kafka of its own, until the end of all tests here. */
  async function threeBrokers(name: string) {
    const stack = await startStack({ name, only: 'kafka', brokers: 3 })
    afterAll.push(() => stack.wipe())
    return { stack, servers: { kafka: stack.kafka, elasticsearch: shared.elasticsearch } }
  }

  it(
    'a broker of three is killed, the coordinator and leaders move: loses nothing and doubles nothing',
    { skip: onlyLong },
    async (t) => {
      const { stack, servers } = await threeBrokers('three')
      for (const broker of [1, 2, 3]) {
        const lab = await Lab.open(t, { servers, load: { partitions: 6, count: 3000, replicas: 3 } })
        const daemon = lab.start()
        await lab.checker.indexed(300)
        await stack.kill('kafka', broker)
        await pause(outageMs(8000))
        await stack.start('kafka', broker)
        const report = await lab.drained(120_000)
        lab.keep({ broker, ...summary(report) })
        assert.deepEqual(objections(report, repeats(1)), [])
        assert.equal((await daemon.stop()).code, 0)
      }
    },
  )

  it(
    'a topic is moved from one broker to another while what was fetched waits: loses nothing, doubles nothing, repeats nothing',
    { skip: onlyLong },
    async (t) => {
      const { servers } = await threeBrokers('moving')
      // More than one fetch brings.
      const lab = await Lab.open(t, { servers, load: { partitions: 2, count: 8000 } })
      await lab.kafka.moveTo(lab.checker.topic, 1)
      lab.start()
      await lab.checker.indexed(300)
      await lab.kafka.moveTo(lab.checker.topic, 2)
      const report = await lab.drained(120_000)
      lab.keep(summary(report))
      assert.deepEqual(objections(report, {}), [])
    },
  )
})

/** The membership may be lost with what was in flight, once for each outage. */
function repeats(outages: number): Allowed {
  return { repeatedCalls: outages * (2 * inFlight + sinceLastCommit) }
}
