import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Semaphore } from '../../src/pipeline/index.js'
import { range, turns } from './support/watched-source.js'

describe('Semaphore', () => {
  it('lets in as many as it has permits, and the others in the order in which they came', async () => {
    const semaphore = new Semaphore(2)
    const order: number[] = []
    for (const caller of range(5)) void semaphore.acquire().then(() => order.push(caller))
    await turns()
    assert.deepEqual([order, semaphore.inUse, semaphore.waiting], [[0, 1], 2, 3])
    assert.equal(semaphore.tryAcquire(), false)
    for (let time = 0; time < 3; time++) semaphore.release()
    await turns()
    assert.deepEqual([order, semaphore.inUse, semaphore.waiting], [range(5), 2, 0])
  })

  it('grows at once, and shrinks as permits are given back', async () => {
    const semaphore = new Semaphore(1)
    let held = 0
    for (let caller = 0; caller < 6; caller++) void semaphore.acquire().then(() => held++)
    semaphore.resize(4)
    await turns()
    assert.equal(held, 4)
    semaphore.resize(2)
    semaphore.release()
    semaphore.release()
    await turns()
    assert.deepEqual([held, semaphore.inUse], [4, 2])
    semaphore.release()
    await turns()
    assert.deepEqual([held, semaphore.inUse], [5, 2])
  })

  it('forgets who gives up, and takes no permit for them', async () => {
    const semaphore = new Semaphore(1)
    await semaphore.acquire()
    const giveUp = new AbortController()
    const waiting = semaphore.acquire(giveUp.signal)
    const reason = new Error('given up')
    giveUp.abort(reason)
    await assert.rejects(waiting, reason)
    await assert.rejects(semaphore.acquire(giveUp.signal), reason)
    assert.equal(semaphore.waiting, 0)
    semaphore.release()
    assert.equal(semaphore.inUse, 0)
  })

  it('refuses sizes that are none, and a release of what is not held', () => {
    assert.throws(() => new Semaphore(0), /RangeError: permits: expected an integer of 1 or more, got 0/)
    assert.throws(() => {
      new Semaphore(1).resize(1.5)
    }, /RangeError: permits: /)
    assert.throws(() => {
      new Semaphore(1).release()
    }, /RangeError: release: no permit is held/)
  })

  it('never grants more than it has, and each in its turn, whatever is taken, returned, resized or given up', async () => {
    const step = fc.oneof(
      fc.constant({ do: 'acquire' } as const),
      fc.constant({ do: 'release' } as const),
      fc.record({ do: fc.constant('resize' as const), permits: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ do: fc.constant('abort' as const), which: fc.nat(20) }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(step, { maxLength: 40 }),
        async (permits, steps) => {
          const semaphore = new Semaphore(permits)
          const callers: { readonly abort: AbortController; state: 'waiting' | 'granted' | 'gone' }[] = []
          const granted: number[] = []
          for (const each of steps) {
            const before = semaphore.inUse
            if (each.do === 'acquire') {
              const caller = {
                abort: new AbortController(),
                state: 'waiting' as 'waiting' | 'granted' | 'gone',
              }
              const index = callers.push(caller) - 1
              semaphore.acquire(caller.abort.signal).then(
                () => {
                  caller.state = 'granted'
                  granted.push(index)
                },
                () => (caller.state = 'gone'),
              )
            } else if (each.do === 'release') {
              if (semaphore.inUse > 0) semaphore.release()
            } else if (each.do === 'resize') semaphore.resize(each.permits)
            else callers[each.which]?.abort.abort(new Error('given up'))
            assert.ok(semaphore.inUse <= Math.max(before, semaphore.permits))
            assert.ok(
              semaphore.waiting === 0 || semaphore.inUse >= semaphore.permits,
              'a free permit, and somebody waits',
            )
            await Promise.resolve()
          }
          await turns(1)
          assert.deepEqual(
            granted,
            granted.toSorted((a, b) => a - b),
          )
          assert.equal(callers.filter(({ state }) => state === 'waiting').length, semaphore.waiting)
          while (semaphore.inUse > 0) semaphore.release()
          await turns(1)
          assert.equal(semaphore.waiting + semaphore.inUse > 0, false)
        },
      ),
      { numRuns: 300 },
    )
  })
})
