import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PartitionEdge } from '../../src/kafka/kafka-client.js'
import { EndWatch } from '../../src/source/end-watch.js'
import { OwnedPartition } from '../../src/source/owned-partition.js'
import type { TopicPartition } from '../../src/telemetry/telemetry.js'
import { FakeClock } from '../support/fake-clock.js'

/** Partitions of one topic that begin at 10 and end at 100, and a watch over them. */
function setUp(count = 1) {
  const clock = new FakeClock()
  const partitions = Array.from(
    { length: count },
    (_, partition) => new OwnedPartition({ topic: 't', partition }),
  )
  const brokers = { end: 100, away: false, silent: false, roundTripMs: 0 }
  const asked: string[] = []
  const looks = { count: 0 }
  const watch = new EndWatch({
    clock,
    owned: () => partitions,
    onLook: () => looks.count++,
    member: {
      offsets: async (wanted: readonly TopicPartition[], edge: PartitionEdge) => {
        if (wanted.length > 0) asked.push(`${edge} of ${wanted.map(({ partition }) => partition).join(', ')}`)
        await new Promise<void>((resolve) => clock.setTimeout(resolve, brokers.roundTripMs))
        if (brokers.silent) return new Promise(() => undefined)
        if (brokers.away) return Promise.reject(new Error('nobody answers'))
        const offset = edge === 'earliest' ? 10 : brokers.end
        return Promise.resolve(wanted.map(({ topic, partition }) => ({ topic, partition, offset })))
      },
    },
  })
  const lags = () =>
    partitions.map(({ state: { highWatermark = NaN, position = NaN } }) => highWatermark - position)
  return { clock, partitions, brokers, asked, looks, watch, lags }
}

describe('EndWatch', () => {
  it('knows of every partition where it begins and ends before any was read', async () => {
    const { clock, asked, watch, lags } = setUp(2)
    assert.deepEqual(lags(), [NaN, NaN])
    watch.look()
    await clock.pass(0)
    assert.deepEqual(lags(), [90, 90])
    assert.deepEqual(asked, ['earliest of 0, 1', 'end of 0, 1'])
  })

  it('begins to count at the commit, and waits until that is known', async () => {
    const { clock, partitions, asked, watch, lags } = setUp()
    let told: () => void = () => undefined
    partitions[0]!.ready = new Promise((resolve) => (told = resolve))
    watch.look()
    await clock.pass(0)
    assert.deepEqual(asked, [])
    partitions[0]!.resumeFrom(60, [])
    told()
    await clock.pass(0)
    assert.deepEqual(lags(), [40])
    assert.deepEqual(asked, ['end of 0'])
  })

  it('goes on while nothing is fetched, and leaves out what a fetch told of within five seconds', async () => {
    const { clock, partitions, brokers, asked, watch, lags } = setUp(2)
    watch.look()
    await clock.pass(4000)
    asked.length = 0
    partitions[1]!.endsAt(150, clock.now())
    brokers.end = 200
    await clock.pass(1000)
    assert.deepEqual(asked, ['end of 0'])
    assert.deepEqual(lags(), [190, 140])
    await clock.pass(5000)
    assert.deepEqual(asked, ['end of 0', 'end of 0, 1'])
    assert.deepEqual(lags(), [190, 190])
  })

  it('asks each five seconds, however long an answer takes', async () => {
    const { clock, brokers, asked, watch } = setUp()
    brokers.roundTripMs = 40
    watch.look()
    await clock.pass(20_000)
    assert.deepEqual(
      asked.filter((each) => each.startsWith('end')),
      Array.from({ length: 5 }, () => 'end of 0'),
    )
  })

  it('keeps what it knew while Kafka does not answer, and asks again', async () => {
    const { clock, brokers, looks, watch, lags } = setUp()
    watch.look()
    await clock.pass(0)
    assert.equal(looks.count, 1)
    Object.assign(brokers, { away: true, end: 300 })
    await clock.pass(5000)
    assert.deepEqual(lags(), [90])
    assert.equal(looks.count, 1)
    brokers.away = false
    await clock.pass(5000)
    assert.deepEqual(lags(), [290])
  })

  it('does not take back what a fetch has told since it asked', async () => {
    const { clock, partitions, watch, lags } = setUp()
    let told: () => void = () => undefined
    partitions[0]!.ready = new Promise((resolve) => (told = resolve))
    watch.look()
    await clock.pass(10)
    partitions[0]!.endsAt(500, clock.now())
    told()
    await clock.pass(0)
    assert.deepEqual(lags(), [490])
  })

  it('takes a lower end for true: what was written may be gone, or not to be read yet', async () => {
    const { clock, partitions, watch, lags } = setUp()
    partitions[0]!.endsAt(500, -Infinity)
    watch.look()
    await clock.pass(0)
    assert.deepEqual(lags(), [90])
  })

  it('asks again where an answer never comes', async () => {
    const { clock, brokers, asked, watch, lags } = setUp()
    brokers.silent = true
    watch.look()
    await clock.pass(1000)
    brokers.silent = false
    await clock.pass(4000)
    assert.equal(asked.length, 4)
    assert.deepEqual(lags(), [90])
  })

  it('leaves no timer behind, also where it is stopped while it asks', async () => {
    const { clock, asked, watch } = setUp()
    watch.look()
    watch.stop()
    await clock.pass(20_000)
    assert.equal(clock.timers, 0)
    assert.equal(asked.length, 2)
    watch.look()
    await clock.pass(20_000)
    assert.equal(asked.length, 2)
  })
})
