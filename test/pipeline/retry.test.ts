import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { backOff, retry, sleep, type RetryOptions } from '../../src/pipeline/index.js'
import { FakeClock } from '../support/fake-clock.js'
import { turns } from './support/watched-source.js'

const failed = new Error('failed')

function bench(overrides: Partial<RetryOptions> = {}) {
  const clock = new FakeClock()
  const attempts: { readonly attempt: number; readonly atMs: number }[] = []
  const options: RetryOptions = {
    limit: 4,
    delayMs: 100,
    maxDelayMs: 250,
    random: () => 0.999_999,
    classify: () => ({ retryable: true }),
    clock,
    ...overrides,
  }
  const run = (succeedAt = Infinity) =>
    retry((attempt) => {
      attempts.push({ attempt, atMs: Math.round(clock.now()) })
      return attempt >= succeedAt ? Promise.resolve(attempt) : Promise.reject(failed)
    }, options)
  return { clock, attempts, run }
}

describe('retry', () => {
  it('tries until it succeeds, after a delay that grows with the attempt up to its limit', async () => {
    const { clock, attempts, run } = bench()
    assert.equal(await clock.passUntil(run(4)), 4)
    assert.deepEqual(
      attempts.map(({ atMs }) => atMs),
      [0, 100, 300, 550],
    )
  })

  it('throws the last error after as many attempts as the limit says', async () => {
    const { clock, attempts, run } = bench()
    await assert.rejects(clock.passUntil(run()), failed)
    assert.equal(attempts.length, 4)
    assert.equal(clock.timers, 0)
  })

  it('does not try again where that cannot help', async () => {
    const { attempts, run } = bench({ classify: () => ({ retryable: false }) })
    await assert.rejects(run(), failed)
    assert.equal(attempts.length, 1)
  })

  it('waits as long as the other side asked for, and tells of each wait', async () => {
    const told: number[] = []
    const { clock, attempts, run } = bench({
      classify: () => ({ retryable: true, retryAfterMs: 5000 }),
      onRetry: (_error, attempt) => told.push(attempt),
    })
    await clock.passUntil(run(3))
    assert.deepEqual(
      attempts.map(({ atMs }) => atMs),
      [0, 5000, 10_000],
    )
    assert.deepEqual(told, [1, 2])
  })

  it('ends its waiting on abort, with the error of the last attempt, and begins no attempt after', async () => {
    const abort = new AbortController()
    const { clock, attempts, run } = bench({ signal: abort.signal })
    const done = assert.rejects(run(), failed)
    await turns()
    abort.abort(new Error('stop'))
    await done
    assert.deepEqual([attempts.length, clock.timers], [1, 0])
    await assert.rejects(run(), /stop/)
    assert.equal(attempts.length, 1)
  })

  it('refuses bounds that are none before it tries', async () => {
    for (const wrong of [{ limit: 0 }, { delayMs: -1 }, { maxDelayMs: Infinity }]) {
      const { attempts, run } = bench(wrong)
      await assert.rejects(
        run(),
        new RegExp(`RangeError: ${Object.keys(wrong)[0]}: expected .*, got ${Object.values(wrong)[0]}`),
      )
      assert.equal(attempts.length, 0)
    }
  })
})

describe('backOff', () => {
  it('lies between 0 and the delay times the attempt, never above its maximum', () => {
    const amount = fc.integer({ min: 0, max: 100_000 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), amount, amount, (attempt, delayMs, maxDelayMs) => {
        const waitMs = backOff(attempt, { delayMs, maxDelayMs })
        assert.ok(waitMs >= 0 && waitMs <= Math.min(delayMs * attempt, maxDelayMs))
      }),
    )
  })

  it('is spread over all of that', () => {
    const bounds = { delayMs: 100, maxDelayMs: 1000 }
    assert.equal(backOff(3, { ...bounds, random: () => 0 }), 0)
    assert.equal(backOff(3, { ...bounds, random: () => 0.5 }), 150)
  })

  it('refuses an attempt that is none', () => {
    assert.throws(
      () => backOff(0, { delayMs: 1, maxDelayMs: 1 }),
      /RangeError: attempt: expected an integer of 1 or more, got 0/,
    )
  })
})

describe('sleep', () => {
  it('waits its time, or until the abort, and leaves no timer behind', async () => {
    const clock = new FakeClock()
    const abort = new AbortController()
    await clock.passUntil(sleep(100, { clock, signal: abort.signal }))
    assert.equal(clock.now(), 100)
    const sleeping = sleep(100, { clock, signal: abort.signal })
    const reason = new Error('enough')
    abort.abort(reason)
    await assert.rejects(sleeping, reason)
    await assert.rejects(sleep(100, { clock, signal: abort.signal }), reason)
    assert.equal(clock.timers, 0)
  })

  it('does not take a delay that is too long for a timer for none at all', async () => {
    const abort = new AbortController()
    let awake = false
    const sleeping = sleep(2 ** 40, { signal: abort.signal }).then(
      () => (awake = true),
      () => undefined,
    )
    await sleep(20)
    assert.equal(awake, false)
    abort.abort()
    await sleeping
  })
})
