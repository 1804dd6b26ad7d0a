import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { describe, it } from 'node:test'
import { RecordFeed } from '../../src/source/record-feed.js'
import { FakeClock } from '../support/fake-clock.js'
import { sourceRecord } from '../support/source-record.js'

const never = new AbortController().signal

function setUp({ bufferSize = 100, maxBufferedBytes = 1e9 } = {}) {
  const clock = new FakeClock()
  const feed = new RecordFeed({ bufferSize, maxBufferedBytes, clock })
  const records = feed[Symbol.asyncIterator]()
  return { clock, feed, take: () => records.nextReady() }
}

function partition() {
  const lease = new AbortController()
  let offset = 0
  const record = (bytes = 1) => sourceRecord('x', { offset: offset++, bytes, lease: lease.signal })
  return { record, end: () => lease.abort() }
}

/** As many records of it as have room. */
function fill(feed: RecordFeed, { record }: ReturnType<typeof partition>): number {
  for (let count = 0; ; count++) {
    const next = record()
    if (!feed.hasRoom(next)) return count
    feed.push(next)
  }
}

describe('RecordFeed', () => {
  it('refuses bounds that are none', () => {
    for (const bounds of [{ bufferSize: 0 }, { bufferSize: NaN }, { maxBufferedBytes: 0 }])
      assert.throws(() => setUp(bounds), RangeError)
  })

  it('has seven tenths of its places for one partition alone, and less for each the more of them are behind', () => {
    const { feed } = setUp()
    assert.equal(fill(feed, partition()), 71)
    assert.deepEqual(
      [1, 2, 3].map(() => fill(feed, partition())),
      [14, 3, 1],
    )
  })

  it('has a place for each partition of which nothing waits, as far as there are', () => {
    const { feed } = setUp({ bufferSize: 40 })
    const behind = [1, 2].map(() => fill(feed, partition()))
    const quiet = Array.from({ length: 10 }, () => fill(feed, partition()))
    assert.deepEqual(behind, [28, 6])
    assert.deepEqual(quiet, [1, 1, 1, 1, 1, 1, 0, 0, 0, 0])
  })

  it('works with a single place', () => {
    const { feed, take } = setUp({ bufferSize: 1 })
    const [first, second] = [partition(), partition()]
    assert.deepEqual([fill(feed, first), fill(feed, second)], [1, 0])
    take()
    assert.equal(fill(feed, second), 1)
  })

  it('holds no more bytes than its bound, from the push to the end, but for one large record alone', () => {
    const { feed, take } = setUp({ maxBufferedBytes: 10 })
    const { record } = partition()
    const large = record(11)
    assert.ok(feed.hasRoom(large))
    feed.push(large)
    assert.equal(feed.hasRoom(record(1)), false)
    take()
    assert.equal(feed.hasRoom(record(1)), false)
    feed.finished(large)
    feed.push(record(4))
    assert.deepEqual(
      [6, 7, 11].map((bytes) => feed.hasRoom(record(bytes))),
      [true, false, false],
    )
  })

  it('wakes who waits for room once half of it is free, not with each record', async () => {
    const { feed, take } = setUp()
    const waiting = fill(feed, partition())
    const taken: number[] = []
    let count = 0
    void feed.roomMayBe(never).then(() => taken.push(count))
    while (count < waiting) {
      count++
      take()
      await setImmediate()
    }
    assert.deepEqual(taken, [waiting - 50])
  })

  it('wakes who waits for room when it ends, and when they need not wait any more', async () => {
    const { feed } = setUp({ bufferSize: 1 })
    fill(feed, partition())
    const aborting = new AbortController()
    const aborted = feed.roomMayBe(aborting.signal)
    const ended = feed.roomMayBe(never)
    aborting.abort()
    await aborted
    assert.equal(feed.end(), 1)
    await ended
  })

  it('hands nothing out while it holds, and goes on with who waits', async () => {
    const { feed } = setUp()
    const records = feed[Symbol.asyncIterator]()
    const { record } = partition()
    feed.hold()
    let came = false
    const next = records.next().finally(() => (came = true))
    feed.push(record())
    await setImmediate()
    assert.deepEqual([came, feed.waiting, feed.inFlight], [false, 1, 0])
    feed.flow()
    const { value } = (await next) as { value: { offset: number } }
    assert.deepEqual([value.offset, feed.waiting, feed.inFlight], [0, 0, 1])
  })

  it('forgets what waited of leases that have ended, and its bytes', () => {
    const { feed, take } = setUp()
    const [ours, lost] = [partition(), partition()]
    for (const { record } of [lost, ours, lost]) feed.push(record(5))
    lost.end()
    feed.forgetEnded()
    assert.deepEqual([feed.waiting, feed.bytes], [1, 5])
    assert.equal(take()?.done, false)
    assert.equal(take(), undefined)
  })

  it('is idle once nothing is in flight, or after the time given', async () => {
    const { clock, feed, take } = setUp()
    await feed.idle(1000)
    const [first, second] = [1, 2].map(() => partition().record())
    for (const each of [first, second]) feed.push(each!)
    take()
    take()
    let idle = false
    const waiting = feed.idle(1000).then(() => (idle = true))
    feed.finished(first!)
    await clock.pass(999)
    assert.equal(idle, false)
    feed.finished(second!)
    await waiting
    assert.equal(clock.timers, 0)
    feed.push(partition().record())
    take()
    await clock.passUntil(feed.idle(1000))
    assert.equal(feed.inFlight, 1)
  })

  it('ends, with the number of those that nobody had begun', async () => {
    const { feed } = setUp()
    const { record } = partition()
    const records = feed[Symbol.asyncIterator]()
    feed.push(record())
    feed.push(record())
    await records.next()
    assert.deepEqual([feed.end(), feed.end()], [1, 0])
    assert.deepEqual(
      [await records.next(), feed.inFlight, feed.bytes],
      [{ done: true, value: undefined }, 1, 1],
    )
  })
})
