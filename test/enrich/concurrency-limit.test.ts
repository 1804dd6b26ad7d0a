import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConcurrencyLimit } from '../../src/enrich/concurrency-limit.js'
import { NlpService } from '../../src/enrich/nlp-service.js'
import { Stop } from '../../src/enrich/stop.js'
import { overloaded, ScriptedAnalyser } from './support/scripted-analyser.js'
import { silentTelemetry } from './support/silent-telemetry.js'
import { FakeClock } from '../support/fake-clock.js'

const limitOf = (max: number, clock = new FakeClock()) => {
  const changes: number[] = []
  return {
    limit: new ConcurrencyLimit({ max, clock, onChange: (limit) => changes.push(limit) }),
    changes,
    clock,
  }
}

test('it begins at its maximum and a healthy service never moves it', () => {
  const { limit, changes } = limitOf(64)
  for (let call = 0; call < 1000; call++) limit.succeeded(64)
  assert.equal(limit.limit, 64)
  assert.deepEqual(changes, [])
})

test('a burst that is refused from the 21st call on leaves a limit of 20', () => {
  const { limit } = limitOf(64)
  for (let level = 21; level <= 64; level++) limit.refused(level)
  assert.equal(limit.limit, 20)
})

test('it never falls below one', () => {
  const { limit } = limitOf(4)
  for (let time = 0; time < 10; time++) limit.refused(1)
  assert.equal(limit.limit, 1)
})

test('beyond a refused level it asks rarely, and exponentially once that level is free', () => {
  const { limit } = limitOf(64)
  limit.refused(6)
  assert.equal(limit.limit, 5)
  for (let call = 0; call < 11; call++) limit.succeeded(5)
  assert.equal(limit.limit, 5)
  limit.succeeded(5)
  assert.equal(limit.limit, 6)
  for (let call = 0; call < 6; call++) limit.succeeded(6)
  assert.equal(limit.limit, 8)
  for (let call = 0; call < 8; call++) limit.succeeded(8)
  assert.equal(limit.limit, 12)
})

test('while Retry-After runs, nothing beyond the limit is tried', async () => {
  const { limit, clock } = limitOf(8)
  limit.refused(6, 5000)
  for (let call = 0; call < 500; call++) limit.succeeded(5)
  assert.equal(limit.limit, 5)
  await clock.pass(5000)
  limit.succeeded(5)
  assert.equal(limit.limit, 6)
})

test('one time-out among many moves nothing, a tenth of all calls does', () => {
  const { limit } = limitOf(10)
  for (let call = 0; call < 50; call++) limit.succeeded(10)
  limit.timedOut(10)
  assert.equal(limit.limit, 10)
  for (let time = 0; time < 12; time++) limit.timedOut(10)
  assert.equal(limit.limit, 7)
})

test('an outage takes nothing away: the limit is again what it was at the last success', () => {
  const { limit } = limitOf(32)
  limit.succeeded(32)
  for (let level = 32; level >= 1; level--) limit.refused(level)
  assert.equal(limit.limit, 1)
  limit.restore()
  assert.equal(limit.limit, 32)
})

test('a maximum below one is a RangeError', () => {
  assert.throws(() => limitOf(0), RangeError)
})

interface Phase {
  readonly k: number
  readonly goodput: number
  readonly refusedShare: number
}

/** Workers that call without end, as many as the limit lets through, against a service that takes K at once. */
async function simulate(options: {
  jitter: number
  adaptive: boolean
  phases: readonly number[]
}): Promise<Phase[]> {
  const clock = new FakeClock()
  const latencyMs = 100
  let seed = 1
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647
  let serving = 0
  let k = 0
  const analyser = new ScriptedAnalyser({
    clock,
    latencyMs: () => latencyMs * (1 + options.jitter * (2 * random() - 1)),
    behave: () => (serving >= k ? overloaded : 'ok'),
  })
  const analyse = analyser.analyse.bind(analyser)
  const count = { ok: 0, refused: 0 }
  analyser.analyse = (texts, call) => {
    const before = analyser.behave
    const accepted = serving < k
    if (accepted) serving++
    analyser.behave = () => (accepted ? 'ok' : overloaded)
    const counted = (outcome: 'ok' | 'refused') => {
      count[outcome]++
      if (accepted) serving--
    }
    analyse(texts, {
      canceller: undefined,
      answered: () => call.answered(),
      done: (analyses) => {
        counted('ok')
        call.done(analyses)
      },
      failed: (error) => {
        counted('refused')
        call.failed(error)
      },
    })
    analyser.behave = before
  }
  const never = new AbortController().signal
  const service = new NlpService({
    analyser,
    maxConcurrency: 64,
    adaptive: options.adaptive,
    probeIntervalMs: 1000,
    draining: never,
    cutOff: never,
    telemetry: silentTelemetry,
    clock,
  })
  let running = true
  const stop = new Stop([never])
  const pump = async () => {
    while (running) {
      await service.permits.acquire()
      service.call(['text'], stop, () => undefined)
    }
  }
  k = options.phases[0] ?? 0
  void pump()
  const results: Phase[] = []
  for (k of options.phases) {
    await clock.pass(10_000)
    Object.assign(count, { ok: 0, refused: 0 })
    await clock.pass(20_000)
    results.push({
      k,
      goodput: count.ok / 20 / (Math.min(k, 64) / (latencyMs / 1000)),
      refusedShare: count.refused / (count.ok + count.refused),
    })
  }
  running = false
  await clock.pass(1000)
  service.close()
  return results
}

for (const jitter of [0, 0.5]) {
  test(`K going 20, 5, 40 costs at most 5 % goodput and 2 % refusals in each phase (jitter ${jitter})`, async (t) => {
    for (const phase of await simulate({ jitter, adaptive: true, phases: [20, 5, 40] })) {
      t.diagnostic(JSON.stringify(phase))
      assert.ok(phase.goodput >= 0.95, `goodput ${phase.goodput} at K ${phase.k}`)
      assert.ok(phase.refusedShare < 0.02, `refused ${phase.refusedShare} at K ${phase.k}`)
    }
  })
}

test('with a healthy service, adaptive carries as much as fixed', async () => {
  const [adaptive] = await simulate({ jitter: 0.5, adaptive: true, phases: [1000] })
  const [fixed] = await simulate({ jitter: 0.5, adaptive: false, phases: [1000] })
  assert.ok((adaptive?.goodput ?? 0) >= 0.99 * (fixed?.goodput ?? 1))
})
