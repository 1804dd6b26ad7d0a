import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { StandingQueue } from '../../src/pipeline/standing-queue.js'
import { FakeClock } from '../support/fake-clock.js'

function setUp() {
  const clock = new FakeClock()
  const queue = new StandingQueue({ min: 50, max: 1000, clock })
  /** An interval in which so many wait, one after another. */
  const interval = async (...waiting: number[]) => {
    for (const count of waiting) queue.isFull(count)
    await clock.pass(1000)
    queue.isFull(waiting.at(-1) ?? 0)
  }
  return { queue, interval }
}

describe('a standing queue', () => {
  it('has its least length in the beginning', () => {
    const { queue } = setUp()
    assert.equal(queue.isFull(49), false)
    assert.equal(queue.isFull(50), true)
  })

  it('is made shorter by what was in it all the time, down to its least length', async () => {
    const { queue, interval } = setUp()
    for (let each = 0; each < 5; each++) await interval(0)
    assert.equal(queue.limit, 1000)
    await interval(1000, 700, 900)
    assert.equal(queue.limit, 300)
    assert.equal(queue.isFull(300), true)
    assert.equal(queue.isFull(299), false)
    await interval(299, 280, 290)
    assert.equal(queue.limit, 50)
  })

  it('that was empty once may be twice as long, up to what is allowed', async () => {
    const { queue, interval } = setUp()
    const limits = [100, 200, 400, 800, 1000, 1000]
    for (const limit of limits) {
      await interval(40, 0, 30)
      assert.equal(queue.limit, limit)
    }
  })

  it('refuses a bound that is none', () => {
    assert.throws(() => new StandingQueue({ min: 0, max: 10 }), RangeError)
    assert.throws(() => new StandingQueue({ min: 1, max: 1.5 }), RangeError)
  })
})
