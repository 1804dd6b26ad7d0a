import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Lifecycle, type LifecycleOptions, type LifecycleState } from '../src/lifecycle.js'
import { manualClock } from './telemetry/support/manual-clock.js'

function lifecycle(options: Partial<LifecycleOptions> = {}) {
  const clock = manualClock()
  const seen: LifecycleState[] = []
  const made = new Lifecycle({
    gracefulTimeoutMs: 30_000,
    clock,
    onChange: (state) => {
      seen.push(state)
    },
    ...options,
  })
  return { lifecycle: made, clock, seen }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      resolve()
    })
  })
}

describe('the lifecycle', () => {
  it('goes from starting over running and draining to stopped', async () => {
    const { lifecycle: life, seen, clock } = lifecycle()
    assert.equal(life.state, 'starting')
    assert.equal(life.ready, false)
    assert.equal(life.running(), true)
    assert.equal(life.ready, true)
    const outcome = life.shutdown('received SIGTERM')
    assert.equal(life.state, 'draining')
    assert.equal(life.ready, false)
    assert.deepEqual(await outcome, { cutOff: false, durationMs: 0, error: undefined })
    assert.deepEqual(seen, ['running', 'draining', 'stopped'])
    assert.equal(clock.timers, 0)
  })

  it('drains from the start too, and does not come to run any more', async () => {
    const { lifecycle: life, seen } = lifecycle()
    const outcome = life.shutdown('received SIGTERM while waiting for Kafka')
    assert.equal(life.running(), false)
    await outcome
    assert.equal(life.running(), false)
    assert.deepEqual(seen, ['draining', 'stopped'])
  })

  it('gives every caller of shutdown the same promise, and keeps the first reason', async () => {
    const { lifecycle: life } = lifecycle()
    const first = life.shutdown('first')
    assert.equal(life.shutdown('second'), first)
    assert.equal(life.drain?.reason, 'first')
    await first
    assert.equal(life.shutdown('third'), first)
    assert.match(String(life.draining.reason), /first/)
  })

  it('runs the steps in order, each one also when another failed, and tells all errors at once', async () => {
    const { lifecycle: life } = lifecycle()
    const ran: string[] = []
    for (const name of ['flow', 'group', 'clients']) {
      life.onDrain(name, async () => {
        await settled()
        ran.push(name)
        if (name !== 'group') throw new Error(`${name} failed`)
      })
    }
    const { error } = await life.shutdown('test')
    assert.deepEqual(ran, ['flow', 'group', 'clients'])
    assert.deepEqual(
      error?.errors.map((each: Error) => each.message),
      ['flow failed', 'clients failed'],
    )
  })

  it('cuts off what is in flight at the deadline', async () => {
    const { lifecycle: life, clock } = lifecycle({ gracefulTimeoutMs: 1000 })
    life.onDrain('flow', whenAborted)
    const outcome = life.shutdown('test')
    clock.advance(400)
    assert.deepEqual(life.drain, { reason: 'test', forMs: 400, msLeft: 600 })
    assert.equal(life.cutOff.aborted, false)
    clock.advance(600)
    assert.equal(life.cutOff.aborted, true)
    assert.equal((await outcome).cutOff, true)
    assert.equal((await outcome).error, undefined)
  })

  it('cuts off at once when asked a second time', async () => {
    const { lifecycle: life } = lifecycle()
    life.onDrain('flow', whenAborted)
    const first = life.shutdown('received SIGTERM')
    const second = life.cutOffNow('received a second signal')
    assert.equal(second, first)
    assert.match(String(life.cutOff.reason), /second signal/)
    assert.deepEqual(await first, { cutOff: true, durationMs: 0, error: undefined })
  })

  it('does not hang on a step that ignores the cut-off', async () => {
    const { lifecycle: life, clock } = lifecycle({ gracefulTimeoutMs: 1000, cutOffGraceMs: 500 })
    let closed = false
    life.onDrain('flow', () => new Promise(() => undefined))
    life.onDrain('clients', async () => {
      closed = true
    })
    const outcome = life.shutdown('test')
    clock.advance(1500)
    const { cutOff, error, durationMs } = await outcome
    assert.equal(cutOff, true)
    assert.equal(closed, true)
    assert.equal(durationMs, 1500)
    assert.match(String(error?.errors[0]), /flow did not end in time/)
    assert.equal(clock.timers, 0)
  })

  it('raises nothing when a step that was left behind fails later', async () => {
    const { lifecycle: life, clock } = lifecycle({ gracefulTimeoutMs: 0, cutOffGraceMs: 0 })
    let fail: (error: Error) => void = () => undefined
    life.onDrain('flow', () => new Promise((_, reject) => (fail = reject)))
    const outcome = life.shutdown('test')
    clock.advance(0)
    await outcome
    fail(new Error('late'))
    await settled()
  })

  it('tells why it drains when it cannot go on', async () => {
    const details: unknown[] = []
    const life = new Lifecycle({
      gracefulTimeoutMs: 1000,
      clock: manualClock(),
      onChange: (state, detail) => details.push([state, detail]),
    })
    const error = new Error('the flow failed')
    await life.shutdown('the flow failed', error)
    assert.deepEqual(details[0], ['draining', { reason: 'the flow failed', error }])
  })

  it('takes no step once the drain has begun, and no bound that is none', async () => {
    const { lifecycle: life } = lifecycle()
    const outcome = life.shutdown('test')
    assert.throws(() => {
      life.onDrain('late', async () => undefined)
    }, RangeError)
    await outcome
    assert.throws(
      () => new Lifecycle({ gracefulTimeoutMs: -1 }),
      /gracefulTimeoutMs: expected 0 or more, got -1/,
    )
  })

  it('never leaves its ways, whatever it is asked in whatever order', async () => {
    const ways = new Set(['starting running', 'starting draining', 'running draining', 'draining stopped'])
    const command = fc.constantFrom('running', 'shutdown', 'cutOff', 'advance', 'await')
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 12 }), async (commands) => {
        const { lifecycle: life, seen, clock } = lifecycle({ gracefulTimeoutMs: 100, cutOffGraceMs: 50 })
        life.onDrain('flow', whenAborted)
        for (const each of commands) {
          if (each === 'running') {
            if (life.state === 'running') assert.throws(() => life.running(), RangeError)
            else life.running()
          }
          if (each === 'shutdown') void life.shutdown('property')
          if (each === 'cutOff') void life.cutOffNow('property')
          if (each === 'advance') clock.advance(60)
          if (each === 'await') await settled()
        }
        await life.cutOffNow('the end')
        const path: LifecycleState[] = ['starting', ...seen]
        for (let at = 1; at < path.length; at++)
          assert.ok(ways.has(`${path[at - 1]} ${path[at]}`), path.join())
        assert.equal(path.at(-1), 'stopped')
        assert.equal(clock.timers, 0)
      }),
    )
  })
})
