import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { fanOut, type BranchOptions } from '../../src/pipeline/index.js'
import {
  collect,
  collectUntilError,
  range,
  ReadySource,
  sourceError,
  turns,
  WatchedSource,
} from './support/watched-source.js'

const waiting = (queueSize: number): BranchOptions => ({ queueSize, whenFull: 'wait' })
const dropping = (queueSize: number): BranchOptions => ({ queueSize, whenFull: 'drop' })

describe('fanOut', () => {
  it('gives every item to every branch, in order, and the error after them', async () => {
    const branches = fanOut(new WatchedSource(range(50), { then: 'throw' }), [
      waiting(3),
      waiting(1),
      dropping(50),
    ])
    const results = await Promise.all(branches.map((branch) => collectUntilError(branch)))
    for (const { all, error } of results)
      assert.deepEqual({ all, error }, { all: range(50), error: sourceError })
  })

  it('is held up by a branch that waits no sooner than its queue is full', async () => {
    const source = new WatchedSource(range(100))
    const [slow, quick] = fanOut(source, [waiting(5), waiting(1)])
    const taken: number[] = []
    const quickDone = (async () => {
      for await (const item of quick!) taken.push(item)
    })()
    await turns()
    assert.deepEqual(taken, range(5))
    const slowItems = await collect(slow!)
    await quickDone
    assert.deepEqual([slowItems, taken], [range(100), range(100)])
  })

  it('is never held up by a branch that drops, and counts what that one misses', async () => {
    const [slow, quick] = fanOut(new WatchedSource(range(100)), [dropping(5), waiting(1)])
    assert.deepEqual(await collect(quick!), range(100))
    assert.equal(slow!.dropped, 95)
    assert.deepEqual(await collect(slow!), range(5))
  })

  it('gives a branch that drops every item for which its consumer is there, also where all are ready at once', async () => {
    const [branch] = fanOut(new ReadySource(range(3000)), [dropping(100)])
    const items = await collect(branch!)
    assert.deepEqual({ got: items.length, dropped: branch!.dropped }, { got: 3000, dropped: 0 })
  })

  it('goes on without a branch that stops, and closes its source with the last one', async () => {
    const source = new WatchedSource(range(100))
    const [one, other] = fanOut(source, [waiting(1), waiting(1)])
    const first = one![Symbol.asyncIterator]()
    const second = other![Symbol.asyncIterator]()
    await first.next()
    await first.return?.()
    for (let count = 0; count < 50; count++) await second.next()
    assert.equal(source.closed, 0)
    await second.return?.()
    assert.deepEqual({ closed: source.closed, pending: source.pending }, { closed: 1, pending: 0 })
  })

  it('refuses to have no branches, and queues that are none', () => {
    const source = new WatchedSource(range(1))
    assert.throws(() => fanOut(source, []), /RangeError: branches: expected 1 or more, got 0/)
    assert.throws(
      () => fanOut(source, [waiting(0)]),
      /RangeError: queueSize: expected an integer of 1 or more, got 0/,
    )
  })

  it('loses nothing for those who wait, and counts it for those who drop, whatever goes on when', async () => {
    const branch = fc.record({
      queueSize: fc.integer({ min: 1, max: 4 }),
      whenFull: fc.constantFrom('wait', 'drop'),
    })
    const plan = { branches: fc.array(branch, { minLength: 1, maxLength: 4 }), count: fc.nat(20) }
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.record(plan), async (scheduler, { branches, count }) => {
        const step = () => scheduler.schedule(Promise.resolve())
        const source = new WatchedSource(range(count), { pace: step })
        const open = fanOut(source, branches as BranchOptions[])
        const received = open.map((): number[] => [])
        const done = open.map(async (each, index) => {
          for await (const item of each) {
            received[index]!.push(item)
            await step()
          }
        })
        await scheduler.waitFor(Promise.all(done))
        for (const [index, items] of received.entries()) {
          assert.deepEqual(
            items,
            [...new Set(items)].toSorted((a, b) => a - b),
          )
          assert.equal(items.length + open[index]!.dropped, count)
          if (branches[index]!.whenFull === 'wait') assert.equal(open[index]!.dropped, 0)
        }
      }),
      { numRuns: 150 },
    )
  })
})
