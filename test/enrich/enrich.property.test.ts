import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EnrichBench } from './support/enrich-bench.js'
import { logDelivery } from './support/log-deliveries.js'
import {
  forbidden,
  overloaded,
  refused,
  rejected,
  serverError,
  type Behaviour,
} from './support/scripted-analyser.js'

const behaviours: Record<string, Behaviour> = {
  ok: 'ok',
  hang: 'hang',
  refused,
  overloaded,
  serverError,
  rejected,
  forbidden,
}

const behaviour = fc.constantFrom(...Object.keys(behaviours))

const scenario = fc.record({
  /** By record: what its calls meet, one after another; then `ok`. */
  scripts: fc.array(fc.array(behaviour, { maxLength: 6 }), { minLength: 1, maxLength: 25 }),
  /** During this time everything meets the same. */
  outage: fc.record({ fromMs: fc.nat(5000), lengthMs: fc.nat(20_000), as: behaviour }),
  maxConcurrency: fc.integer({ min: 1, max: 5 }),
  batchSize: fc.integer({ min: 1, max: 4 }),
  latencyMs: fc.integer({ min: 1, max: 3000 }),
  adaptive: fc.boolean(),
  order: fc.constantFrom('none' as const, 'partition' as const),
  cached: fc.boolean(),
  spreadMs: fc.nat(300),
  loseLeaseAtMs: fc.option(fc.nat(20_000)),
  drainAtMs: fc.option(fc.nat(20_000)),
  cutOffAfterMs: fc.option(fc.nat(5000)),
})

type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never

function seeded(): () => number {
  let seed = 1
  return () => (seed = (seed * 16807) % 2147483647) / 2147483647
}

async function play(run: Scenario): Promise<EnrichBench> {
  const { scripts, outage, maxConcurrency, batchSize, cached } = run
  const scriptOf = new Map(scripts.map((script, index) => [`text ${index}`, [...script]]))
  const bench: EnrichBench = new EnrichBench({
    maxConcurrency,
    batchSize,
    adaptive: run.adaptive,
    order: run.order,
    retry: { limit: 3, delayMs: 1000, maxDelayMs: 30_000, random: seeded() },
    window: Math.max(10, maxConcurrency * batchSize),
    ...(cached && { cache: { maxEntries: 100, ttlMs: 60_000 } }),
    scripted: {
      maxTexts: 4,
      latencyMs: run.latencyMs,
      behave: (texts) => {
        const now = bench.clock.now()
        if (now >= outage.fromMs && now < outage.fromMs + outage.lengthMs)
          return behaviours[outage.as] ?? 'ok'
        const met = texts.map((text) => scriptOf.get(text)?.shift() ?? 'ok')
        return behaviours[met.find((one) => one !== 'ok') ?? 'ok'] ?? 'ok'
      },
    },
  })
  bench.run()
  const lease = new AbortController()
  void (async () => {
    for (const index of scripts.keys()) {
      const partition = index % 3
      const own = partition === 0 ? { lease: lease.signal } : {}
      if (!bench.draining.signal.aborted) {
        bench.source.push(logDelivery({ message: `text ${index}`, offset: index, partition, ...own }))
      }
      await new Promise<void>((resolve) => bench.clock.setTimeout(resolve, run.spreadMs))
    }
    bench.source.end()
  })()
  const at = (ms: number | null, what: () => void) => ms !== null && bench.clock.setTimeout(what, ms)
  at(run.loseLeaseAtMs, () => lease.abort())
  at(run.drainAtMs, () => {
    bench.draining.abort()
    bench.source.end()
    at(run.cutOffAfterMs, () => bench.cutOff.abort())
  })
  for (let turn = 0; turn < 60 && !bench.ended; turn++) await bench.clock.pass(10_000)
  await bench.clock.pass(60_000)
  return bench
}

function check(bench: EnrichBench, run: Scenario): void {
  assert.ok(bench.ended, 'the stage ends')
  const ids = bench.out.map(({ record }) => record.id)
  assert.equal(new Set(ids).size, ids.length, 'nothing comes out twice')
  assert.equal(ids.length, bench.source.pulled, 'everything comes out')
  assert.ok(bench.analyser.maxInFlight <= run.maxConcurrency, 'never more calls than allowed')
  assert.equal(bench.analyser.inFlight, 0, 'nothing is in flight afterwards')
  assert.equal(bench.clock.timers, 0, 'no timer is left')
  if (run.drainAtMs !== null) {
    const late = bench.analyser.calls.filter(({ atMs }) => atMs > (run.drainAtMs ?? 0))
    assert.deepEqual(late, [], 'no call begins during a drain')
  }
  for (const delivery of bench.out) {
    if (delivery.status === 'released') {
      const lost = run.loseLeaseAtMs !== null && delivery.record.partition === 0
      assert.ok(lost || run.drainAtMs !== null, 'only a drain or a lost lease releases')
      continue
    }
    const calls = bench.callsOf(delivery.record.value?.toString() ?? '')
    if (delivery.status === 'rejected') {
      assert.ok(delivery.attempts <= calls, 'no attempt is counted that was not made')
      if (delivery.reason === 'nlp-failed') assert.equal(delivery.attempts, 3)
      assert.ok(
        !/UNREACHABLE|OVERLOADED|MISCONFIGURED/.test(String((delivery.error as { code?: string }).code)),
      )
    } else {
      assert.equal(delivery.status, 'in-flight')
      assert.ok(calls >= 1)
    }
  }
  if (run.order === 'partition') {
    for (const partition of [0, 1, 2]) {
      const offsets = bench.out
        .filter(({ record }) => record.partition === partition)
        .map(({ record }) => record.offset)
      assert.deepEqual(
        offsets,
        [...offsets].sort((a, b) => a - b),
        'in order within a partition',
      )
    }
  }
}

test('whatever the service does, every record comes out exactly once and no bound is passed', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async (run) => {
      check(await play(run), run)
    }),
    { numRuns: Number(process.env['ENRICH_RUNS'] ?? 150), endOnFailure: false },
  )
})
