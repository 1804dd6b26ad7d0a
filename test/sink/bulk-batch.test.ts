import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { Delivery, Finished } from '../../src/delivery/delivery.js'
import type { EnrichedDocument } from '../../src/delivery/document.js'
import { batchForBulk, type BatchForBulkOptions } from '../../src/sink/bulk-batch.js'
import { actionBytes } from '../../src/sink/bulk-request.js'
import { BulkTraffic } from '../../src/sink/bulk-traffic.js'
import { FakeClock } from '../support/fake-clock.js'
import { fromArray, inFlight, sinkDocument, sinkRecord, toArray, until } from '../support/sink-records.js'

type In = Delivery<EnrichedDocument>
const options: BatchForBulkOptions = {
  batchSize: 50,
  maxBatchSize: 50,
  batchBytes: 5 << 20,
  flushIntervalMs: 1000,
}
const records = (count: number) => Array.from({ length: count }, (_, offset) => inFlight(offset))
const sized = (offset: number, bytes: number): In => ({
  status: 'in-flight',
  record: sinkRecord(offset),
  value: { ...sinkDocument(), bytes: bytes - actionBytes },
})
const dropped = (offset: number): Finished => ({ status: 'dropped', record: sinkRecord(offset), policy: 'p' })
const offsets = (batch: readonly In[]) => batch.map(({ record }) => record.offset)

/** A source that is fed by hand. */
function hose() {
  const waiting: In[] = []
  let wake: () => void = () => {}
  let over = false
  async function* source() {
    for (;;) {
      const next = waiting.shift()
      if (next !== undefined) yield next
      else if (over) return
      else await new Promise<void>((resolve) => (wake = resolve))
    }
  }
  return {
    source: source(),
    feed: (...items: In[]) => {
      waiting.push(...items)
      wake()
    },
    end: () => {
      over = true
      wake()
    },
    left: () => waiting.length,
  }
}

test('batches are of the size asked for, the last one of what is left', async () => {
  const batches = await toArray(batchForBulk(options)(fromArray(records(120))))
  assert.deepEqual(
    batches.map(({ length }) => length),
    [50, 50, 20],
  )
  assert.deepEqual(batches.flatMap(offsets), [...Array(120).keys()])
})

test('a batch that somebody waits for is of the size asked for, however many documents come at once', async () => {
  const waiting = records(120).values()
  const quick: AsyncIterable<In> = {
    [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve(waiting.next() as IteratorResult<In>) }),
  }
  const batches = batchForBulk({ ...options, maxBatchSize: 500 })(quick)[Symbol.asyncIterator]()
  assert.deepEqual(offsets((await batches.next()).value as In[]), [...Array(50).keys()])
})

test('a batch ends before it has more bytes than allowed, and a larger document goes alone', async () => {
  const documents = [600, 600, 900, 50 + actionBytes, 2000, 600].map((bytes, offset) => sized(offset, bytes))
  const batches = await toArray(batchForBulk({ ...options, batchBytes: 1350 })(fromArray(documents)))
  assert.deepEqual(batches.map(offsets), [[0, 1], [2, 3], [4], [5]])
})

test('a batch goes when its first document is old enough, however many follow', async () => {
  const { source, feed, end } = hose()
  const iterator = batchForBulk({ ...options, flushIntervalMs: 100 })(source)[Symbol.asyncIterator]()
  const startedAt = performance.now()
  const next = iterator.next()
  feed(inFlight(0))
  const trickle = setInterval(() => {
    feed(inFlight(1))
  }, 20)
  const batch = (await next).value as In[]
  clearInterval(trickle)
  const tookMs = performance.now() - startedAt
  assert.ok(tookMs >= 95 && tookMs < 2000, `${tookMs} ms`)
  assert.ok(batch.length < 10)
  end()
  await iterator.return?.()
})

test('the age counts from the first document, also while nobody asks', async () => {
  const { source, feed, end } = hose()
  const iterator = batchForBulk({ ...options, batchSize: 2, maxBatchSize: 2, flushIntervalMs: 60 })(source)[
    Symbol.asyncIterator
  ]()
  feed(inFlight(0), inFlight(1))
  await iterator.next()
  const startedAt = performance.now()
  feed(inFlight(2))
  await new Promise((resolve) => setTimeout(resolve, 80))
  const batch = (await iterator.next()).value as In[]
  assert.deepEqual(offsets(batch), [2])
  assert.ok(performance.now() - startedAt < 140)
  end()
})

test('an age of 0 sends whatever is there', async () => {
  const { source, feed, end } = hose()
  const iterator = batchForBulk({ ...options, flushIntervalMs: 0 })(source)[Symbol.asyncIterator]()
  const next = iterator.next()
  feed(inFlight(0))
  assert.deepEqual(offsets((await next).value as In[]), [0])
  end()
})

test('an age of 0: what comes while a request is under way goes in one batch at the end of the last', async () => {
  const { batches, feed, traffic, gathered, end } = gathering()
  traffic.began()
  traffic.began()
  const next = batches.next()
  feed(inFlight(0), inFlight(1))
  await gathered()
  traffic.ended()
  feed(inFlight(2))
  await gathered()
  traffic.ended()
  assert.deepEqual(offsets((await next).value as In[]), [0, 1, 2])
  const alone = batches.next()
  feed(inFlight(3))
  assert.deepEqual(offsets((await alone).value as In[]), [3], 'nothing is under way')
  end()
})

test('an age of 0: a request that takes long holds nothing up, and a full batch waits for none', async () => {
  const { batches, feed, clock, traffic, gathered, end } = gathering()
  traffic.began()
  const aged = batches.next()
  feed(inFlight(0))
  await gathered()
  await clock.pass(10)
  assert.deepEqual(offsets((await aged).value as In[]), [0])
  const full = batches.next()
  feed(...records(50))
  assert.equal(((await full).value as In[]).length, 50)
  end()
})

test('an age of 0: a second line that ends leaves the first one its traffic', async () => {
  const { batches, feed, traffic, gathered, end } = gathering()
  await toArray(batchForBulk({ ...options, flushIntervalMs: 0, traffic })(fromArray(records(1))))
  traffic.began()
  const next = batches.next()
  feed(inFlight(0), inFlight(1))
  await gathered()
  traffic.ended()
  assert.deepEqual(offsets((await next).value as In[]), [0, 1])
  end()
})

/** Batches with an age of 0; `gathered`: what was fed has been taken in. */
function gathering() {
  const { source, feed, left, end } = hose()
  const clock = new FakeClock()
  const traffic = new BulkTraffic()
  const stage = batchForBulk({ ...options, flushIntervalMs: 0, clock, traffic })
  const gathered = async () => {
    await until(() => left() === 0, 'what was fed is taken')
    await new Promise(setImmediate)
  }
  return { batches: stage(source)[Symbol.asyncIterator](), feed, clock, traffic, gathered, end }
}

test('what is finished already goes on at once, and does not send the batch', async () => {
  const { source, feed, end } = hose()
  const iterator = batchForBulk(options)(source)[Symbol.asyncIterator]()
  feed(inFlight(0), dropped(1), inFlight(2))
  assert.deepEqual(offsets((await iterator.next()).value as In[]), [1])
  feed(dropped(3))
  assert.deepEqual(offsets((await iterator.next()).value as In[]), [3])
  end()
  assert.deepEqual(offsets((await iterator.next()).value as In[]), [0, 2])
})

test('while the consumer is busy a batch grows, and it is of the plain size again when the consumer is not', async () => {
  const { source, feed, end, left } = hose()
  const iterator = batchForBulk({ ...options, maxBatchSize: 200 })(source)[Symbol.asyncIterator]()
  feed(...records(50))
  assert.equal(((await iterator.next()).value as In[]).length, 50)
  feed(...records(500))
  await until(
    () => left() === 299,
    'the stage reads ahead to its bound, and the source holds one more',
  ).catch(() => undefined)
  assert.ok(left() >= 299)
  assert.equal(((await iterator.next()).value as In[]).length, 200)
  end()
  let total = 0
  for (;;) {
    const result = await iterator.next()
    if (result.done === true) break
    total += result.value.length
  }
  assert.equal(total, 300)
  const idle = hose()
  const waiting = batchForBulk({ ...options, maxBatchSize: 200 })(idle.source)[Symbol.asyncIterator]()
  const next = waiting.next()
  idle.feed(...records(120))
  assert.equal(((await next).value as In[]).length, 50)
  await waiting.return?.()
})

test('with a backlog a batch waits a moment to grow, even for a consumer that is free', async () => {
  const { source, feed, end } = hose()
  let backlog = true
  const stage = batchForBulk({ ...options, maxBatchSize: 200, backlog: () => backlog })
  const iterator = stage(source)[Symbol.asyncIterator]()
  const next = iterator.next()
  feed(...records(60))
  setTimeout(() => {
    feed(...records(300))
  }, 10)
  assert.equal(((await next).value as In[]).length, 200)
  const startedAt = performance.now()
  assert.equal(((await iterator.next()).value as In[]).length, 160)
  assert.ok(performance.now() - startedAt < 500)
  backlog = false
  feed(...records(60))
  assert.equal(((await iterator.next()).value as In[]).length, 50)
  end()
  assert.equal(((await iterator.next()).value as In[]).length, 10)
})

test('an early return closes the source, also while a batch is being waited for', async () => {
  let closed = 0
  const source: AsyncIterable<In> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => {}),
      return: async () => {
        closed++
        return { done: true, value: undefined }
      },
    }),
  }
  const iterator = batchForBulk(options)(source)[Symbol.asyncIterator]()
  const pending = iterator.next()
  await new Promise((resolve) => setImmediate(resolve))
  await iterator.return?.()
  assert.equal((await pending).done, true)
  assert.equal(closed, 1)
})

test('an error of the source follows what was collected before it', async () => {
  async function* failing() {
    yield* records(3)
    throw new Error('the source failed')
  }
  const batches: (readonly In[])[] = []
  await assert.rejects(async () => {
    for await (const batch of batchForBulk(options)(failing())) batches.push(batch)
  }, /the source failed/)
  assert.deepEqual(batches.map(offsets), [[0, 1, 2]])
})

test('bounds that are none are refused', () => {
  for (const bad of [{ batchSize: 0 }, { maxBatchSize: 49 }, { batchBytes: 0 }, { flushIntervalMs: -1 }]) {
    assert.throws(() => batchForBulk({ ...options, ...bad }), RangeError)
  }
})

test('every delivery comes out once, within the bounds, and documents keep their order', async () => {
  const delivery = fc.tuple(
    fc.boolean(),
    fc.integer({ min: actionBytes, max: 1500 }),
    fc.integer({ min: 0, max: 3 }),
  )
  const bounds = fc.record({
    batchSize: fc.integer({ min: 1, max: 8 }),
    growth: fc.integer({ min: 0, max: 8 }),
    batchBytes: fc.integer({ min: 1, max: 4000 }),
    flushIntervalMs: fc.constantFrom(0, 1, 1000),
    backlog: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(delivery, { maxLength: 60 }),
      bounds,
      async (plan, { growth, backlog, ...rest }) => {
        const settings = { ...rest, maxBatchSize: rest.batchSize + growth, backlog: () => backlog }
        const items = plan.map(([live, bytes], offset) => (live ? sized(offset, bytes) : dropped(offset)))
        async function* source() {
          for (const [position, item] of items.entries()) {
            for (let turn = 0; turn < plan[position]![2]; turn++)
              await new Promise((resolve) => setImmediate(resolve))
            yield item
          }
        }
        const batches: (readonly In[])[] = []
        for await (const batch of batchForBulk(settings)(source())) {
          batches.push(batch)
          if (batch.length % 3 === 0) await new Promise((resolve) => setImmediate(resolve))
        }
        const all = batches.flat()
        assert.deepEqual(new Set(all), new Set(items))
        assert.equal(all.length, items.length)
        const live = all.filter(({ status }) => status === 'in-flight').map(({ record }) => record.offset)
        assert.deepEqual(
          live,
          live.toSorted((a, b) => a - b),
        )
        for (const batch of batches) {
          assert.ok(batch.length <= settings.maxBatchSize && batch.length > 0)
          const bytes = batch.reduce(
            (sum, one) => sum + (one.status === 'in-flight' ? one.value.bytes + actionBytes : 0),
            0,
          )
          assert.ok(bytes <= settings.batchBytes || batch.length === 1)
        }
      },
    ),
    { numRuns: 150 },
  )
})
