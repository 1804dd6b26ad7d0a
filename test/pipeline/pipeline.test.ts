import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  batch,
  buffer,
  fanOut,
  filter,
  flatten,
  map,
  mapConcurrent,
  pipeline,
  PipelineClosedError,
  type Pipeline,
} from '../../src/pipeline/index.js'
import { FakeClock } from '../support/fake-clock.js'
import { collect, range, sourceError, turns, WatchedSource } from './support/watched-source.js'

const bounds = { concurrency: 3, order: 'input' } as const
const plenty = { count: 10, bytes: 1000, ageMs: 10, sizeOf: () => 1 }

/** True where both are one type: what fits in place of the one fits in place of the other, both as a value and as a parameter. */
type Same<A, B> = [(of: A) => A] extends [(of: B) => B]
  ? [(of: B) => B] extends [(of: A) => A]
    ? true
    : false
  : false
type ItemOf<Chain> = Chain extends Pipeline<infer Item> ? Item : never

describe('the types of a chain', () => {
  const later = (item: number) => Promise.resolve(item.toFixed(1))
  const numbers = pipeline([1, 2, 3])

  it('follow from its stages, without an annotation', () => {
    const chains = {
      source: numbers,
      mapped: numbers.through(map((item) => item.toFixed(1))),
      filtered: numbers.through(filter((item) => item > 1)),
      narrowed: pipeline([1, 'two']).through(filter((item) => typeof item === 'string')),
      batched: numbers.through(batch(plenty)),
      flattened: numbers.through(batch(plenty)).through(flatten()),
      buffered: numbers.through(buffer({ size: 1 })),
      bare: numbers.through(mapConcurrent(later, { ...bounds, onError: 'throw' })),
      isolated: numbers
        .through(mapConcurrent(later, bounds))
        .through(map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.item))),
    }
    interface Expected {
      source: number
      mapped: string
      filtered: number
      narrowed: string
      batched: number[]
      flattened: number
      buffered: number
      bare: string
      isolated: string | number
    }
    const same: Same<
      { [Name in keyof typeof chains]: ItemOf<(typeof chains)[Name]> },
      { [Name in keyof Expected]: Expected[Name] }
    > = true
    assert.deepEqual([same, Object.keys(chains).length], [true, 9])
  })

  it('refuse a stage that does not fit, and a stage without its bound', () => {
    // @ts-expect-error a stage that takes text, behind numbers
    numbers.through(map((item: string) => item.length))
    // @ts-expect-error no concurrency
    assert.throws(() => mapConcurrent(later, { order: 'none' }), RangeError)
  })
})

describe('pipeline', () => {
  it('can be iterated, from any iterable, in pulls of its consumer', async () => {
    const source = new WatchedSource(range(100))
    const chain = pipeline(source)
      .through(filter((item) => item % 2 === 1))
      .through(map((item) => item * 10))
    assert.equal(source.given.length, 0)
    const taken: number[] = []
    for await (const item of chain) if (taken.push(item) === 3) break
    assert.deepEqual(taken, [10, 30, 50])
    assert.deepEqual([source.given.length, source.closed, chain.counters.taken], [6, 1, 6])
    assert.deepEqual(await collect(pipeline(new Set([1, 2]))), [1, 2])
  })

  it('counts what it took and what was settled, and settles as many at once as it is told', async () => {
    let atOnce = 0
    let most = 0
    const chain = pipeline(range(20))
    await chain.settle(
      async () => {
        most = Math.max(most, ++atOnce)
        await turns(1)
        atOnce--
      },
      { concurrency: 4 },
    )
    assert.deepEqual(
      { most, counters: chain.counters },
      { most: 4, counters: { taken: 20, settled: 20, failed: 0 } },
    )
  })

  it('ends with what settling one item threw, the source closed and nothing in flight', async () => {
    for (const fail of [() => Promise.reject(sourceError), () => assert.fail(sourceError)]) {
      const source = new WatchedSource(range(100))
      const chain = pipeline(source).through(buffer({ size: 5 }))
      await assert.rejects(
        chain.settle((item) => (item === 7 ? fail() : undefined)),
        sourceError,
      )
      assert.deepEqual([source.closed, chain.counters.settled, chain.counters.failed], [1, 7, 1])
    }
  })

  it('pulls nothing while as many are being settled as may be, and waits for them at the end', async () => {
    const source = new WatchedSource(range(5))
    const ends: (() => void)[] = []
    let done = false
    const running = pipeline(source)
      .settle(() => new Promise<void>((resolve) => ends.push(resolve)), { concurrency: 2 })
      .then(() => (done = true))
    await turns()
    assert.deepEqual([source.given.length, ends.length], [2, 2])
    for (let settled = 1; settled <= 4; settled++) {
      ends[settled - 1]?.()
      await turns()
      assert.deepEqual(
        [source.given.length, ends.length, done],
        [...Array<number>(2).fill(Math.min(5, 2 + settled)), false],
      )
    }
    ends[4]?.()
    await running
  })

  it('that fails while its source has nothing to give closes it, and does not wait', async () => {
    const source = new WatchedSource(range(1), { then: 'wait' })
    let fail: (error: unknown) => void = () => undefined
    const running = pipeline(source).settle(() => new Promise<void>((_, reject) => (fail = reject)), {
      concurrency: 2,
    })
    await turns()
    fail(sourceError)
    await assert.rejects(running, sourceError)
    assert.equal(source.closed, 1)
  })

  it('tells, at the shutdown, of everything that failed', async () => {
    const chain = pipeline(range(100))
    const fail = async (item: number) => {
      await turns(1)
      throw new Error(`item ${item}`)
    }
    await assert.rejects(chain.settle(fail, { concurrency: 3 }), /item 0/)
    assert.equal(chain.counters.failed, 3)
    const error = await chain.shutdown({ timeoutMs: 0 }).catch((reason: unknown) => reason)
    assert.ok(error instanceof AggregateError)
    assert.deepEqual(error.errors.map(String), ['Error: item 0', 'Error: item 1', 'Error: item 2'])
  })

  it('is closed by an abort, which waits for what is being settled', async () => {
    const source = new WatchedSource(range(3), { then: 'wait' })
    const abort = new AbortController()
    let end: () => void = () => undefined
    let settled = 0
    const done = pipeline(source).settle(
      async (item) => {
        if (item === 2) await new Promise<void>((resolve) => (end = resolve))
        settled++
      },
      { concurrency: 2, signal: abort.signal },
    )
    await turns()
    abort.abort(sourceError)
    await turns()
    assert.deepEqual([source.closed, settled], [1, 2])
    end()
    await assert.rejects(done, sourceError)
    assert.equal(settled, 3)
  })

  it('refuses to run twice, and does not begin with an aborted signal', async () => {
    const chain = pipeline(range(3))
    await assert.rejects(
      chain.settle(() => undefined, { signal: AbortSignal.abort(sourceError) }),
      sourceError,
    )
    await assert.rejects(
      chain.settle(() => undefined, { concurrency: 0 }),
      /RangeError: concurrency/,
    )
    await chain.settle(() => undefined)
    await assert.rejects(
      chain.settle(() => undefined),
      PipelineClosedError,
    )
    await assert.rejects(collect(chain), PipelineClosedError)
  })

  it('passes an early return through to its source, though it is the source of another one', async () => {
    const source = new WatchedSource<number>([], { then: 'wait' })
    const inner = pipeline(source).through(map((item) => item))
    const [branch] = fanOut(inner, [{ queueSize: 1, whenFull: 'wait' }])
    const outer = pipeline(branch!)
    const done = outer.settle(() => undefined)
    await turns()
    await outer.shutdown({ timeoutMs: 1000 })
    await done
    assert.equal(source.closed, 1)
  })
})

describe('shutdown', () => {
  it('takes nothing more, lets what was taken finish, and refuses to run again', async () => {
    const source = new WatchedSource(range(1000), { pace: () => turns(1) })
    const settled: number[] = []
    const chain = pipeline(source)
      .through(mapConcurrent(async (item) => (await turns(3), item), { ...bounds, onError: 'throw' }))
      .through(batch<number>({ ...plenty, ageMs: 60_000, count: 100 }))
    const done = chain.settle((items) => {
      settled.push(...items)
    })
    await turns(20)
    await chain.shutdown({ timeoutMs: 10_000 })
    await done
    assert.ok(source.given.length > 0 && source.given.length < 1000)
    assert.deepEqual(settled, source.given)
    assert.equal(source.closed, 1)
    await assert.rejects(
      chain.settle(() => undefined),
      PipelineClosedError,
    )
  })

  it('does not lose the item that the source was just asked for', async () => {
    let give: (result: IteratorResult<string>) => void = () => undefined
    const source: AsyncIterable<string> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise((resolve) => (give = resolve)),
        return: () => Promise.resolve({ done: true, value: undefined }),
      }),
    }
    const settled: string[] = []
    const chain = pipeline(source)
    const done = chain.settle((item) => {
      settled.push(item)
    })
    await turns()
    const closing = chain.shutdown({ timeoutMs: 10_000 })
    await turns()
    give({ done: false, value: 'under way' })
    await Promise.all([closing, done])
    assert.deepEqual(settled, ['under way'])
  })

  it('is the same promise for every caller, also before the start, and leaves no timer', async () => {
    const clock = new FakeClock()
    const source = new WatchedSource(range(10))
    const chain = pipeline(source, { clock })
    const first = chain.shutdown({ timeoutMs: 1000 })
    assert.equal(chain.through(map((item) => item)).shutdown({ timeoutMs: 5 }), first)
    await first
    assert.deepEqual([source.closed, source.given.length, clock.timers], [1, 0, 0])
    await assert.rejects(
      chain.settle(() => undefined),
      PipelineClosedError,
    )
  })

  it('gives up at its deadline, and says so beside what failed', async () => {
    const clock = new FakeClock()
    const source = Object.assign(new WatchedSource(range(10)), { return: () => Promise.reject(sourceError) })
    const chain = pipeline(source, { clock })
    void chain.settle(() => new Promise(() => undefined))
    await turns()
    const error = await clock.passUntil(chain.shutdown({ timeoutMs: 300 }).catch((reason: unknown) => reason))
    assert.equal(clock.now(), 300)
    assert.ok(error instanceof AggregateError)
    assert.deepEqual(error.errors.map(String), [
      String(sourceError),
      'Error: the pipeline did not finish within 300 ms',
    ])
  })

  it('refuses a deadline that is none', () => {
    assert.throws(
      () => pipeline([]).shutdown({ timeoutMs: -1 }),
      /RangeError: timeoutMs: expected 0 or more, got -1/,
    )
  })
})
