import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { CircuitBreaker, type CircuitState } from '../../src/pipeline/index.js'
import { FakeClock } from '../support/fake-clock.js'
import { range, turns } from './support/watched-source.js'

const down = new Error('down')

/** A breaker with callers at its door. */
function bench(probeIntervalMs = 1000) {
  const clock = new FakeClock()
  const states: CircuitState[] = []
  const breaker = new CircuitBreaker({ probeIntervalMs, clock, onChange: (state) => states.push(state) })
  const admitted: string[] = []
  const come = (name: string, signal?: AbortSignal) =>
    breaker.enter(signal).then(
      (as) => admitted.push(`${name} ${as}`),
      () => admitted.push(`${name} gave up`),
    )
  return { clock, states, breaker, admitted, come }
}

describe('CircuitBreaker', () => {
  it('lets everybody pass while it is closed, and nobody once it is tripped', async () => {
    const { breaker, admitted, come } = bench()
    await come('a')
    breaker.trip(down)
    void come('b')
    await turns()
    assert.deepEqual([admitted, breaker.closed, breaker.state], [['a pass'], false, 'open'])
    breaker.succeed()
    assert.equal(breaker.state, 'closed')
  })

  it('lets one waiter through as a probe after each interval, and everybody once it succeeds', async () => {
    const { clock, states, breaker, admitted, come } = bench()
    breaker.trip(down)
    for (const name of ['a', 'b', 'c', 'd']) void come(name)
    await clock.pass(999)
    assert.deepEqual(admitted, [])
    await clock.pass(1)
    assert.deepEqual(admitted, ['a probe'])
    await clock.pass(5000)
    assert.deepEqual(admitted, ['a probe'], 'one at a time, however long it takes')
    breaker.trip(down)
    await clock.pass(1000)
    assert.deepEqual(admitted, ['a probe', 'b probe'])
    breaker.succeed()
    await turns()
    assert.deepEqual(admitted, ['a probe', 'b probe', 'c pass', 'd pass'])
    assert.deepEqual(states, ['open', 'probing', 'open', 'probing', 'closed'])
    assert.equal(clock.timers, 0)
  })

  it('makes the next to come the probe, where nobody waited when it was due', async () => {
    const { clock, breaker, admitted, come } = bench()
    breaker.trip(down)
    await clock.pass(1500)
    void come('a')
    void come('b')
    await turns()
    assert.deepEqual(admitted, ['a probe'])
  })

  it('gives the place of an abandoned probe to the next waiter at once', async () => {
    const { clock, breaker, admitted, come } = bench()
    breaker.trip(down)
    void come('a')
    void come('b')
    await clock.pass(1000)
    breaker.abandonProbe()
    await turns()
    assert.deepEqual(admitted, ['a probe', 'b probe'])
    breaker.abandonProbe()
    assert.equal(breaker.state, 'open')
    void come('c')
    await turns()
    assert.deepEqual(admitted, ['a probe', 'b probe', 'c probe'])
  })

  it('does not put the probe off for calls that were under way and fail late', async () => {
    const { clock, breaker, admitted, come } = bench()
    breaker.trip(down)
    void come('a')
    for (let late = 0; late < 9; late++) {
      await clock.pass(100)
      breaker.trip(down)
    }
    await clock.pass(100)
    assert.deepEqual(admitted, ['a probe'])
  })

  it('waits as long as the other side asked for, by the latest answer to it, and never less', async () => {
    const { clock, breaker, admitted, come } = bench()
    breaker.trip(down, 5000)
    void come('a')
    await clock.pass(500)
    breaker.trip(down, 2000)
    breaker.trip(down)
    await clock.pass(4400)
    assert.deepEqual(admitted, [])
    breaker.trip(down, 3000)
    await clock.pass(2999)
    assert.deepEqual(admitted, [])
    await clock.pass(1)
    assert.deepEqual(admitted, ['a probe'])
  })

  it('forgets who gives up', async () => {
    const { clock, breaker, admitted, come } = bench()
    const giveUp = new AbortController()
    breaker.trip(down)
    void come('a', giveUp.signal)
    void come('b')
    giveUp.abort()
    await come('c', giveUp.signal)
    await clock.pass(1000)
    assert.deepEqual(admitted, ['a gave up', 'c gave up', 'b probe'])
  })

  it('refuses an interval that is none', () => {
    for (const probeIntervalMs of [0, -1, NaN, Infinity])
      assert.throws(
        () => new CircuitBreaker({ probeIntervalMs }),
        /RangeError: probeIntervalMs: expected above 0/,
      )
  })

  it('never has two probes out, and forgets no one, whatever happens when', async () => {
    const step = fc.oneof(
      fc.constantFrom('come', 'verdict ok', 'verdict down', 'abandon', 'late failure'),
      fc.record({ passMs: fc.nat(1500) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const { clock, breaker, admitted, come } = bench()
        let callers = 0
        const probesOut = () => (breaker.state === 'probing' ? 1 : 0)
        for (const each of steps) {
          const probes = admitted.filter((entry) => entry.endsWith('probe')).length
          const wasOut = probesOut()
          if (typeof each === 'object') await clock.pass(each.passMs)
          else if (each === 'come') void come(String(callers++))
          else if (each === 'late failure') {
            if (wasOut === 0) breaker.trip(down)
          } else if (wasOut === 1) {
            if (each === 'verdict ok') breaker.succeed()
            else if (each === 'verdict down') breaker.trip(down)
            else breaker.abandonProbe()
          }
          await turns(1)
          const more = admitted.filter((entry) => entry.endsWith('probe')).length - probes
          assert.ok(more <= 1)
          assert.ok(wasOut === 0 || more === 0 || each === 'abandon', 'a probe goes while another is out')
        }
        breaker.succeed()
        await turns(1)
        assert.deepEqual(
          admitted.map((entry) => Number(entry.split(' ')[0])).toSorted((a, b) => a - b),
          range(callers),
        )
        assert.equal(clock.timers, 0)
      }),
      { numRuns: 150 },
    )
  })
})
