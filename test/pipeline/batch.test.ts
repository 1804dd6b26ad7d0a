import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { batch, flatten, type BatchOptions } from '../../src/pipeline/index.js'
import { FakeClock } from '../support/fake-clock.js'
import {
  collect,
  collectUntilError,
  range,
  sourceError,
  turns,
  WatchedSource,
} from './support/watched-source.js'

const plenty = { count: 1000, bytes: 1_000_000, ageMs: 1_000, sizeOf: () => 1 } as const

/** A source that gives each item at its time. */
function timed(clock: FakeClock, atMs: readonly number[]): WatchedSource<number> {
  let next = 0
  const pace = () =>
    new Promise<void>((resolve) => {
      clock.setTimeout(resolve, Math.max(0, (atMs[next++] ?? 0) - clock.now()))
    })
  return new WatchedSource(range(atMs.length), { pace })
}

/** The batches, each with the time at which it came. */
async function batchesOf(
  source: WatchedSource<number>,
  options: Partial<BatchOptions<number>> & { clock: FakeClock },
) {
  const batches: { readonly atMs: number; readonly items: number[] }[] = []
  const all = (async () => {
    for await (const items of batch<number>({ ...plenty, ...options })(source))
      batches.push({ atMs: options.clock.now(), items })
  })()
  await options.clock.passUntil(all)
  return batches
}

describe('batch', () => {
  it('hands a batch on when it is full by count', async () => {
    const source = new WatchedSource(range(7))
    assert.deepEqual(await collect(batch<number>({ ...plenty, count: 3 })(source)), [
      [0, 1, 2],
      [3, 4, 5],
      [6],
    ])
  })

  it('hands a batch on before its bytes go over the bound, and a larger item by itself', async () => {
    const sizes = new WatchedSource([4, 4, 4, 25, 1, 10, 10])
    const batches = await collect(batch<number>({ ...plenty, bytes: 10, sizeOf: (size) => size })(sizes))
    assert.deepEqual(batches, [[4, 4], [4], [25], [1], [10], [10]])
  })

  it('counts the age from the first item, however steadily others trickle in', async () => {
    const clock = new FakeClock()
    const source = timed(
      clock,
      range(12).map((item) => 100 + item * 150),
    )
    const batches = await batchesOf(source, { clock, ageMs: 400 })
    assert.deepEqual(
      batches.map(({ atMs, items }) => [atMs, items.length]),
      [
        [500, 3],
        [950, 3],
        [1400, 3],
        [1750, 3],
      ],
    )
  })

  it('counts the age of an item that did not fit from when it came', async () => {
    const clock = new FakeClock()
    const source = new WatchedSource([6, 6, 6], { then: 'wait' })
    const stage = batch<number>({ count: 10, bytes: 10, ageMs: 100, sizeOf: (size) => size, clock })
    const iterator = stage(source)[Symbol.asyncIterator]()
    assert.deepEqual((await iterator.next()).value, [6])
    await clock.pass(70)
    assert.deepEqual((await iterator.next()).value, [6])
    const third = iterator.next()
    await clock.pass(30)
    assert.equal(clock.timers, 0)
    assert.deepEqual((await third).value, [6])
    await iterator.return?.()
  })

  it('goes on filling a batch that is due while nobody asks for it', async () => {
    const clock = new FakeClock()
    const source = timed(clock, [0, 0, 50, 60, 70])
    const iterator = batch<number>({ ...plenty, ageMs: 10, clock })(source)[Symbol.asyncIterator]()
    const first = iterator.next()
    await clock.pass(20)
    assert.deepEqual((await first).value, [0, 1])
    await clock.pass(100)
    assert.deepEqual((await iterator.next()).value, [2, 3, 4])
  })

  it('gives what is there with an age of 0', async () => {
    assert.deepEqual(await collect(batch<number>({ ...plenty, ageMs: 0 })(new WatchedSource(range(3)))), [
      [0],
      [1],
      [2],
    ])
  })

  it('hands on the partial batch at the end, and before an error', async () => {
    const { all, error } = await collectUntilError(
      batch<number>(plenty)(new WatchedSource(range(3), { then: 'throw' })),
    )
    assert.deepEqual({ all, error }, { all: [[0, 1, 2]], error: sourceError })
  })

  it('leaves no timer behind, at the end or on an early return', async () => {
    const clock = new FakeClock()
    await collect(batch<number>({ ...plenty, clock })(new WatchedSource(range(3))))
    assert.equal(clock.timers, 0)
    const iterator = batch<number>({ ...plenty, clock })(new WatchedSource(range(3), { then: 'wait' }))[
      Symbol.asyncIterator
    ]()
    void iterator.next()
    await turns()
    assert.equal(clock.timers, 1)
    await iterator.return?.()
    assert.equal(clock.timers, 0)
  })

  it('refuses bounds and sizes that are none', async () => {
    assert.throws(
      () => batch({ ...plenty, count: 0.5 }),
      /RangeError: count: expected an integer of 1 or more, got 0.5/,
    )
    assert.throws(() => batch({ ...plenty, bytes: 0 }), /RangeError: bytes: /)
    assert.throws(() => batch({ ...plenty, ageMs: -1 }), /RangeError: ageMs: expected 0 or more, got -1/)
    const stage = batch<number>({ ...plenty, sizeOf: () => NaN })
    await assert.rejects(
      collect(stage(new WatchedSource(range(3)))),
      /RangeError: sizeOf: expected 0 or more, got NaN/,
    )
  })

  it('keeps every item, in order, within count, bytes and age, whatever comes when', async () => {
    const item = fc.record({ gapMs: fc.nat(60), size: fc.integer({ min: 0, max: 12 }) })
    const bounds = fc.record({
      count: fc.integer({ min: 1, max: 6 }),
      bytes: fc.integer({ min: 1, max: 20 }),
      ageMs: fc.nat(100),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(item, { maxLength: 15 }), bounds, async (items, options) => {
        const clock = new FakeClock()
        let nowMs = 0
        const atMs = items.map(({ gapMs }) => (nowMs += gapMs))
        const sizeOf = (index: number) => items[index]!.size
        const batches = await batchesOf(timed(clock, atMs), { ...options, sizeOf, clock })
        assert.deepEqual(
          await collect(flatten<number>()(new WatchedSource(batches.map((each) => each.items)))),
          range(items.length),
        )
        for (const { atMs: handedOnMs, items: indexes } of batches) {
          const bytes = indexes.reduce((sum, index) => sum + sizeOf(index), 0)
          assert.ok(indexes.length >= 1 && indexes.length <= options.count)
          assert.ok(bytes <= options.bytes || indexes.length === 1)
          assert.ok(handedOnMs - atMs[indexes[0]!]! <= options.ageMs)
        }
        assert.equal(clock.timers, 0)
      }),
      { numRuns: 150 },
    )
  })
})
