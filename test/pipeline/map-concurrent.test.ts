import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { mapConcurrent, Semaphore, sleep, type Stage } from '../../src/pipeline/index.js'
import { FakeClock } from '../support/fake-clock.js'
import { everyItemOnce } from './support/every-item-once.js'
import {
  collect,
  collectUntilError,
  range,
  sourceError,
  turns,
  WatchedSource,
} from './support/watched-source.js'

/** Ends work by hand: `work` waits until `end(item)`. */
function manualWork() {
  const ends = new Map<number, () => void>()
  return {
    begun: ends,
    work: (item: number) => new Promise<number>((resolve) => ends.set(item, () => resolve(item))),
    end: (item: number) => ends.get(item)!(),
  }
}

describe('mapConcurrent', () => {
  it('isolates an item that fails, thrown or rejected, and goes on', async () => {
    const fail = (item: number) => {
      if (item === 1) throw new Error('thrown')
      return item === 2 ? Promise.reject(new Error('rejected')) : item
    }
    const outcomes = await collect(
      mapConcurrent(fail, { concurrency: 2, order: 'input' })(new WatchedSource(range(4))),
    )
    assert.deepEqual(
      outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : String(outcome.error))),
      [0, 'Error: thrown', 'Error: rejected', 3],
    )
  })

  it('starts as much as its bound allows, and the next as soon as one is taken', async () => {
    const { begun, work, end } = manualWork()
    const stage = mapConcurrent(work, { concurrency: 3, order: 'none', onError: 'throw' })
    const iterator = stage(new WatchedSource(range(10)))[Symbol.asyncIterator]()
    const first = iterator.next()
    await turns()
    assert.deepEqual([...begun.keys()], [0, 1, 2])
    end(1)
    assert.equal((await first).value, 1)
    await turns()
    assert.deepEqual([...begun.keys()], [0, 1, 2, 3])
    const returned = iterator.return?.()
    for (const item of [0, 2, 3]) end(item)
    await returned
  })

  it('lets a slow key delay only its own items, with order `key`', async () => {
    const { work, end } = manualWork()
    const stage = mapConcurrent((item: number) => (item === 0 ? work(item) : item), {
      concurrency: 8,
      order: 'key',
      key: (item) => (item % 4 === 0 ? 'slow' : 'quick'),
      onError: 'throw',
    })
    const iterator = stage(new WatchedSource(range(9)))[Symbol.asyncIterator]()
    const early: number[] = []
    for (let count = 0; count < 6; count++) early.push((await iterator.next()).value as number)
    assert.deepEqual(early, [1, 2, 3, 5, 6, 7])
    end(0)
    assert.deepEqual(await collect({ [Symbol.asyncIterator]: () => iterator }), [0, 4, 8])
  })

  it('waits, on an early return, for the work in flight', async () => {
    const { work, end } = manualWork()
    const source = new WatchedSource(range(10))
    const iterator = mapConcurrent(work, { concurrency: 2, order: 'none' })(source)[Symbol.asyncIterator]()
    const waiting = iterator.next()
    await turns()
    let returned = false
    const returning = iterator.return?.().then(() => (returned = true))
    await turns()
    assert.deepEqual({ returned, closed: source.closed }, { returned: false, closed: 1 })
    end(0)
    end(1)
    await returning
    assert.equal((await waiting).done, true)
  })

  it('takes a permit before it pulls: what has not begun stays with the source', async () => {
    const { work, end } = manualWork()
    const semaphore = new Semaphore(2)
    const source = new WatchedSource(range(10))
    const stage = mapConcurrent(work, { concurrency: 8, order: 'none', semaphore, onError: 'throw' })
    const iterator = stage(source)[Symbol.asyncIterator]()
    void iterator.next()
    await turns()
    assert.deepEqual(source.given, [0, 1])
    semaphore.resize(3)
    await turns()
    assert.deepEqual(source.given, [0, 1, 2])
    const returning = iterator.return?.()
    for (const item of range(3)) end(item)
    await returning
    assert.equal(semaphore.inUse, 0)
  })

  it('gives a permit back that was granted while it was closed', async () => {
    const semaphore = new Semaphore(1)
    await semaphore.acquire()
    const stage = mapConcurrent(range, { concurrency: 1, order: 'none', semaphore })
    const iterator = stage(new WatchedSource(range(3)))[Symbol.asyncIterator]()
    void iterator.next()
    assert.equal(semaphore.waiting, 1)
    semaphore.release()
    await iterator.return?.()
    assert.deepEqual([semaphore.inUse, semaphore.waiting], [0, 0])
  })

  it('gives a permit back that its work asked for twice, or after its end', async () => {
    const semaphore = new Semaphore(2)
    const late: Promise<void>[] = []
    const stage = mapConcurrent(
      async (item: number, slot) => {
        slot.release()
        await Promise.all([slot.acquire(), slot.acquire()])
        slot.release()
        late.push(slot.acquire())
        return item
      },
      { concurrency: 4, order: 'none', semaphore, onError: 'throw' },
    )
    await collect(stage(new WatchedSource(range(20))))
    await Promise.all(late)
    assert.equal(semaphore.inUse, 0)
  })

  it('begins nothing more while as many are done as its limit says, and goes on once they are taken', async () => {
    const { begun, work, end } = manualWork()
    const stage = mapConcurrent(work, {
      concurrency: 100,
      order: 'none',
      onError: 'throw',
      semaphore: new Semaphore(2),
      doneLimit: { min: 3, max: 3 },
    })
    const iterator = stage(new WatchedSource(range(10)))[Symbol.asyncIterator]()
    const first = iterator.next()
    for (const item of [0, 1, 2, 3]) {
      await turns()
      end(item)
    }
    assert.equal((await first).value, 0)
    await turns()
    assert.deepEqual([...begun.keys()], [0, 1, 2, 3, 4], 'three wait; the last had begun before')
    end(4)
    await turns()
    assert.equal(begun.size, 5)
    const taken = [await iterator.next(), await iterator.next()].map(({ value }) => value as number)
    assert.deepEqual(taken, [1, 2])
    await turns()
    assert.deepEqual([...begun.keys()].slice(5), [5, 6])
    const returned = iterator.return?.()
    for (const item of [5, 6]) end(item)
    await returned
  })

  it('keeps no permit for the next item while it has no room for it', async () => {
    const { work, end } = manualWork()
    let acquired = false
    const stage = mapConcurrent(
      async (item: number, slot) => {
        if (item === 1) slot.release()
        if (item > 0) await work(item)
        slot.release()
        if (item === 2) await slot.acquire().then(() => (acquired = true))
        return item
      },
      {
        concurrency: 10,
        order: 'none',
        onError: 'throw',
        semaphore: new Semaphore(1),
        doneLimit: { min: 1, max: 1 },
      },
    )
    const iterator = stage(new WatchedSource(range(4)))[Symbol.asyncIterator]()
    assert.equal((await iterator.next()).value, 0)
    await turns()
    end(1)
    await turns()
    end(2)
    await turns()
    assert.ok(acquired, 'though the third has been waiting for it longer')
    await iterator.return?.()
  })

  it('throws the failure of the last item, though the source has ended', async () => {
    const stage = mapConcurrent(
      async (item: number) => {
        await turns()
        if (item === 2) throw new Error('the last')
        return item
      },
      { concurrency: 8, order: 'input', onError: 'throw' },
    )
    const { all, error } = await collectUntilError(stage(new WatchedSource(range(3))))
    assert.deepEqual(all, [0, 1])
    assert.match(String(error), /the last/)
  })

  it('tells, once, that nothing is in work any more: at the end, after a failure, on an early return', async () => {
    const { begun, work, end } = manualWork()
    let ends = 0
    const onEnd = () => {
      ends++
    }
    const stage = mapConcurrent(work, { concurrency: 2, order: 'none', onError: 'throw', onEnd })
    const items = stage(new WatchedSource(range(2)))[Symbol.asyncIterator]()
    void items.next()
    await turns()
    end(0)
    await turns()
    assert.equal(ends, 0)
    end(1)
    await turns()
    assert.equal(ends, 1)
    assert.deepEqual([(await items.next()).done, (await items.next()).done], [false, true])
    await items.return?.()
    assert.equal(ends, 1)

    begun.clear()
    const left = stage(new WatchedSource(range(5)))[Symbol.asyncIterator]()
    void left.next()
    await turns()
    const leaving = left.return?.()
    await turns()
    assert.equal(ends, 1)
    for (const item of begun.keys()) end(item)
    await leaving
    assert.equal(ends, 2)

    const failing = () => Promise.reject(sourceError)
    const fails = mapConcurrent(failing, { concurrency: 2, order: 'none', onError: 'throw', onEnd })
    await assert.rejects(collect(fails(new WatchedSource(range(5)))), sourceError)
    assert.equal(ends, 3)
  })

  it('refuses bounds that are none, and order `key` without a key', () => {
    const none = { concurrency: 0, order: 'none' } as const
    assert.throws(
      () => mapConcurrent(range, none),
      /RangeError: concurrency: expected an integer of 1 or more, got 0/,
    )
    assert.throws(() => mapConcurrent(range, { ...none, concurrency: 1, order: 'key' }), TypeError)
  })
})

describe('small work is not punished:', () => {
  const delayOf = (item: number) => 1 + ((item * 7) % 10)
  const total = range(1000).reduce((sum, item) => sum + delayOf(item), 0)

  for (const concurrency of [1, 2, 10])
    it(`1,000 items of 1 to 10 ms take a ${concurrency}th of a loop's time with ${concurrency} at once`, async () => {
      const clock = new FakeClock()
      const stage = mapConcurrent((item: number) => sleep(delayOf(item), { clock }), {
        concurrency,
        order: 'none',
      })
      await clock.passUntil(collect(stage(new WatchedSource(range(1000)))))
      assert.ok(clock.now() <= total / concurrency + 10, `${clock.now()} ms of ${total} ms`)
    })

  it('on the real clock, 1,000 items of 1 to 10 ms take less than a loop would', async () => {
    const began = performance.now()
    const stage = mapConcurrent((item: number) => setTimeout(delayOf(item)), {
      concurrency: 10,
      order: 'input',
    })
    await collect(stage(new WatchedSource(range(1000))))
    assert.ok(performance.now() - began < total)
  })
})

/** The naive form: start tasks, wait for the first to finish, yield what it returned, keep those that are not done. */
function naiveMap<In, Out>(work: (item: In) => Promise<Out>, concurrency: number): Stage<In, Out> {
  return async function* (source) {
    let tasks: { done: boolean; readonly promise: Promise<Out> }[] = []
    const start = (item: In) => {
      const task = { done: false, promise: work(item).finally(() => (task.done = true)) }
      tasks.push(task)
    }
    for await (const item of source) {
      start(item)
      if (tasks.length < concurrency) continue
      yield await Promise.race(tasks.map(({ promise }) => promise))
      tasks = tasks.filter(({ done }) => !done)
    }
    for (const { promise } of tasks) yield await promise
  }
}

it('the check of lost items objects to a map that races, and not to ours, on the same work', async () => {
  const work = async (item: number) => {
    for (let turn = (item * 7) % 5; turn > 0; turn--) await setImmediate()
    return item
  }
  const items = range(2000)
  const ours = mapConcurrent(work, { concurrency: 10, order: 'none', onError: 'throw' })
  everyItemOnce(items, await collect(ours(new WatchedSource(items))))
  const received = await collect(naiveMap(work, 10)(new WatchedSource(items)))
  assert.throws(() => {
    everyItemOnce(items, received)
  }, /lost/)
})
