import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Stage } from '../../src/pipeline/stage.js'
import {
  collect,
  collectUntilError,
  range,
  ReadySource,
  sourceError,
  turns,
  WatchedSource,
} from './support/watched-source.js'

export interface StageCase<Out> {
  readonly name: string
  /** The stage, with `work` called for each item by its own function, where it has one. */
  readonly make: (work: (item: number) => void) => Stage<number, Out>
  /** The items in one output. */
  readonly itemsOf: (out: Out) => readonly number[]
  /** Items that it may have pulled and not handed on. */
  readonly bound: number
  /** False for a stage without a function of its own. Default true. */
  readonly works?: boolean
  /** Work is asynchronous: `settled` calls have ended. */
  readonly inWork?: () => number
  /** Default true. */
  readonly ordered?: boolean
}

const workError = new Error('the work failed')

/** What every stage owes its source and its consumer (src/pipeline/stage.ts): run it against a stage of your own, too. */
export function keepsTheStageContract<Out>(stageCase: StageCase<Out>): void {
  for (const [Source, items] of [
    [WatchedSource, 'promised'],
    [ReadySource, 'ready'],
  ] as const) {
    describe(`${stageCase.name} keeps the contract of a stage with ${items} items: it`, () => {
      givesWhatCame(stageCase, Source)
      closesItsSource(stageCase, Source)
      tellsOfErrors(stageCase, Source)
      if (stageCase.works !== false) failsAlone(stageCase, Source)
    })
  }
}

type SourceClass = typeof WatchedSource

const noWork = () => undefined

function givesWhatCame<Out>(
  { make, itemsOf, bound, ordered = true }: StageCase<Out>,
  Source: SourceClass,
): void {
  it('hands on every item once, and ends', async () => {
    const source = new Source(range(100))
    const out = (await collect(make(noWork)(source))).flatMap(itemsOf)
    assert.deepEqual(ordered ? out : out.toSorted((a, b) => a - b), range(100))
    assert.equal(source.closed, 0)
  })

  it('ends at once with an empty source, and stays ended', async () => {
    const iterator = make(noWork)(new Source<number>([]))[Symbol.asyncIterator]()
    for (let time = 0; time < 3; time++) assert.equal((await iterator.next()).done, true)
    assert.equal((await iterator.return?.())?.done, true)
  })

  it('pulls nothing before it is asked', async () => {
    const source = new Source(range(100))
    make(noWork)(source)[Symbol.asyncIterator]()
    await turns()
    assert.equal(source.given.length, 0)
  })

  it('never has two next() pending at its source', async () => {
    const source = new Source(range(100), { pace: () => turns(1) })
    await collect(make(noWork)(source))
    assert.equal(source.maxPending, 1)
  })

  it('holds no more than its bound for a consumer that is slow', async () => {
    const source = new Source(range(100))
    let taken = 0
    for await (const out of make(noWork)(source)) {
      taken += itemsOf(out).length
      await turns()
      assert.ok(source.given.length - taken <= bound, `${source.given.length - taken} items held`)
    }
  })

  it('answers several next() at once, without losing an item', async () => {
    const iterator = make(noWork)(new Source(range(30)))[Symbol.asyncIterator]()
    const results = await Promise.all(range(31).map(() => iterator.next()))
    const out = results.flatMap((result) => (result.done === true ? [] : itemsOf(result.value)))
    assert.deepEqual(ordered ? out : out.toSorted((a, b) => a - b), range(30))
    assert.equal(results.at(-1)?.done, true)
  })
}

function closesItsSource<Out>({ make, inWork = () => 0 }: StageCase<Out>, Source: SourceClass): void {
  it('closes its source on break, leaves nothing in flight and pulls nothing more', async () => {
    const source = new Source(range(1000))
    for await (const out of make(noWork)(source)) if (out !== undefined) break
    assert.deepEqual(
      { closed: source.closed, pending: source.pending, inWork: inWork() },
      { closed: 1, pending: 0, inWork: 0 },
    )
    const given = source.given.length
    await turns()
    assert.equal(source.given.length, given)
  })

  it('closes its source while that keeps it waiting, and ends the next() that waits', async () => {
    const source = new Source<number>([], { then: 'wait' })
    const iterator = make(noWork)(source)[Symbol.asyncIterator]()
    const waiting = iterator.next()
    await turns()
    await iterator.return?.()
    assert.equal(source.closed, 1)
    assert.equal((await waiting).done, true)
    assert.equal((await iterator.next()).done, true)
  })

  it('closes its source once, however often it is told to', async () => {
    const source = new Source(range(1000))
    const iterator = make(noWork)(source)[Symbol.asyncIterator]()
    await iterator.next()
    await Promise.all([iterator.return?.(), iterator.return?.()])
    await iterator.return?.()
    assert.equal(source.closed, 1)
  })

  it('does not close a source that has ended', async () => {
    const source = new Source(range(3))
    const iterator = make(noWork)(source)[Symbol.asyncIterator]()
    while ((await iterator.next()).done !== true);
    await iterator.return?.()
    assert.equal(source.closed, 0)
  })

  it('closes a source that was never asked', async () => {
    const source = new Source(range(3))
    await make(noWork)(source)[Symbol.asyncIterator]().return?.()
    assert.deepEqual({ given: source.given, closed: source.closed }, { given: [], closed: 1 })
  })

  it('lets its consumer know that the source could not be closed', async () => {
    const source = new Source(range(1000))
    const failing = Object.assign(source, { return: () => Promise.reject(sourceError) })
    const iterator = make(noWork)(failing)[Symbol.asyncIterator]()
    await iterator.next()
    await assert.rejects(Promise.resolve(iterator.return?.()), sourceError)
    assert.equal((await iterator.next()).done, true)
  })
}

function tellsOfErrors<Out>(
  { make, itemsOf, ordered = true, inWork = () => 0 }: StageCase<Out>,
  Source: SourceClass,
): void {
  it('throws what its source threw, once, after the items that came before', async () => {
    const source = new Source(range(17), { then: 'throw' })
    const stage = make(noWork)(source)
    const iterator = stage[Symbol.asyncIterator]()
    const { all, error } = await collectUntilError({ [Symbol.asyncIterator]: () => iterator })
    const out = all.flatMap(itemsOf)
    assert.deepEqual(ordered ? out : out.toSorted((a, b) => a - b), range(17))
    assert.equal(error, sourceError)
    assert.equal(inWork(), 0)
    assert.equal((await iterator.next()).done, true)
  })

  it('takes a source that throws, instead of rejecting, for one that failed', async () => {
    const throwing: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          throw sourceError
        },
      }),
    }
    assert.equal((await collectUntilError(make(noWork)(throwing))).error, sourceError)
  })

  it('raises no unhandled rejection where nobody asks any more', async () => {
    const unhandled: unknown[] = []
    const note = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', note)
    try {
      const iterator = make(noWork)(new Source(range(2), { then: 'throw' }))[Symbol.asyncIterator]()
      await iterator.next()
      await turns()
      assert.deepEqual(unhandled, [])
    } finally {
      process.off('unhandledRejection', note)
    }
  })
}

function failsAlone<Out>({ make, itemsOf, inWork = () => 0 }: StageCase<Out>, Source: SourceClass): void {
  const failAt = (at: number) => (item: number) => {
    if (item === at) throw workError
  }

  it('throws what its own work threw, once, with the source closed and nothing in flight', async () => {
    const source = new Source(range(1000))
    const iterator = make(failAt(13))(source)[Symbol.asyncIterator]()
    const { all, error } = await collectUntilError({ [Symbol.asyncIterator]: () => iterator })
    assert.equal(error, workError)
    assert.deepEqual(
      { closed: source.closed, pending: source.pending, inWork: inWork() },
      { closed: 1, pending: 0, inWork: 0 },
    )
    assert.ok(!all.flatMap(itemsOf).includes(13))
    assert.equal((await iterator.next()).done, true)
  })

  it('gives its own error, and not that of a source that cannot be closed then', async () => {
    const source = Object.assign(new Source(range(1000)), {
      return: () => Promise.reject(sourceError),
    })
    assert.equal((await collectUntilError(make(failAt(13))(source))).error, workError)
  })

  it('ends with its own error although the source keeps it waiting', async () => {
    const source = new Source(range(5), { then: 'wait' })
    assert.equal((await collectUntilError(make(failAt(4))(source))).error, workError)
    assert.equal(source.closed, 1)
  })
}
