import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { Analyser } from '../../src/enrich/analyser.js'
import { BusyWindow } from '../../src/enrich/busy-window.js'
import { NlpService } from '../../src/enrich/nlp-service.js'
import { Stop } from '../../src/enrich/stop.js'
import type { Clock } from '../../src/pipeline/clock.js'
import { silentTelemetry } from '../../src/telemetry/silent-telemetry.js'
import { FakeClock } from '../support/fake-clock.js'

interface Load {
  busy: number
  /** Answers that a turn of the event loop brings, with a window of so many calls. */
  perTurn: (calls: number) => number
}

function setUp(t: TestContext, load: Load) {
  const clock = new FakeClock()
  let calls = 256
  const onChange = (changed: number) => (calls = changed)
  const window = new BusyWindow({ perTurn: 32, max: 256, busyShare: () => load.busy, onChange, clock })
  t.after(() => window.close())
  /** Ten turns of the event loop in each tenth of a second. */
  const run = async (seconds: number) => {
    for (let turn = 0; turn < seconds * 100; turn++) {
      for (let left = load.perTurn(calls); left > 0; left--) window.answered()
      await clock.pass(10)
    }
    return calls
  }
  return { clock, window, run, calls: () => calls }
}

describe('BusyWindow', () => {
  it('takes off what a busy loop cannot deal with yet, and leaves what is with the service', async (t) => {
    const withTheService = 50
    const { run } = setUp(t, { busy: 0.95, perTurn: (calls) => Math.max(0, calls - withTheService) })
    assert.equal(await run(5), withTheService + 32)
  })

  it('is never narrower than what one turn is to bring', async (t) => {
    const { run } = setUp(t, { busy: 1, perTurn: () => 200 })
    assert.equal(await run(5), 32)
  })

  it('stays wide while answers come one by one, however busy the loop is', async (t) => {
    const { run } = setUp(t, { busy: 1, perTurn: () => 1 })
    assert.equal(await run(5), 256)
  })

  it('stays wide while the loop has time to spare, however many answers come at once', async (t) => {
    const { run } = setUp(t, { busy: 0.8, perTurn: () => 256 })
    assert.equal(await run(5), 256)
  })

  it('is wide again within half a second of the loop having time to spare', async (t) => {
    const load = { busy: 0.95, perTurn: () => 200 }
    const { run } = setUp(t, load)
    assert.equal(await run(5), 32)
    load.busy = 0.3
    assert.equal(await run(0.5), 256)
  })

  it('is wide again in a quiet time, and holds no timer then, nor once it is closed', async (t) => {
    const { clock, window, run, calls } = setUp(t, { busy: 0.95, perTurn: () => 200 })
    assert.equal(await run(5), 32)
    await clock.pass(200)
    assert.equal(calls(), 256)
    assert.equal(clock.timers, 0)
    window.close()
    window.answered()
    assert.equal(clock.timers, 0)
  })

  it('refuses bounds that are none', () => {
    const options = { busyShare: () => 0, onChange: () => undefined }
    assert.throws(() => new BusyWindow({ ...options, perTurn: 0, max: 1 }), RangeError)
    assert.throws(() => new BusyWindow({ ...options, perTurn: 2, max: 1 }), RangeError)
  })

  for (const latencyMs of [0.5, 2.5, 5, 10, 14, 30])
    it(`costs a closed loop nothing with a latency of ${latencyMs} ms, busy or not`, async (t) => {
      const wide = await carried(latencyMs, undefined)
      const { rate, calls } = await carried(latencyMs, 32)
      t.diagnostic(`${rate} of ${wide.rate} a second, with ${calls} calls`)
      assert.ok(rate >= 0.97 * wide.rate)
      if (latencyMs <= 5) assert.ok(calls < 160, `${calls} calls in flight`)
    })
})

/**
 * A thread that takes 0.06 ms for each answer and 0.05 for each turn, 256 calls at most, a service with latencies of ± 20 %: how much it
 * carries in 10 s, without a window or with one.
 */
async function carried(latencyMs: number, perTurn: number | undefined) {
  let nowMs = 0
  let busyMs = 0
  let look: { readonly atMs: number; readonly run: () => void } | undefined
  const clock: Clock = {
    now: () => nowMs,
    setTimeout: (run, delayMs) => (look = { atMs: nowMs + delayMs, run }),
    clearTimeout: () => (look = undefined),
  }
  let seen = { nowMs: 0, busyMs: 0 }
  const busyShare = () => {
    const share = (busyMs - seen.busyMs) / (nowMs - seen.nowMs)
    seen = { nowMs, busyMs }
    return share
  }
  let calls = 256
  const onChange = (changed: number) => (calls = changed)
  const window =
    perTurn === undefined ? undefined : new BusyWindow({ perTurn, max: 256, busyShare, onChange, clock })
  let seed = 1
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647
  let answersAt: number[] = []
  let answered = 0
  while (nowMs < 10_000) {
    if (look !== undefined && look.atMs <= nowMs) {
      const { run } = look
      look = undefined
      run()
    }
    while (answersAt.length < calls) answersAt.push(nowMs + latencyMs * (0.8 + 0.4 * random()))
    const ready = answersAt.filter((atMs) => atMs <= nowMs).length
    if (ready === 0) {
      nowMs = Math.min(...answersAt, look?.atMs ?? Infinity)
      continue
    }
    answersAt = answersAt.filter((atMs) => atMs > nowMs)
    for (let one = 0; one < ready; one++) window?.answered()
    await Promise.resolve()
    answered += ready
    nowMs += 0.05 + 0.06 * ready
    busyMs += 0.05 + 0.06 * ready
  }
  return { rate: Math.round(answered / 10), calls }
}

describe('an NLP service on a busy thread', () => {
  const never = new AbortController().signal

  /** A service that answers all calls at once, each hundredth of a second, and is called as often as it may be. */
  async function narrowed(t: TestContext, busy: number, batchSize: number) {
    const clock = new FakeClock()
    const answers: (() => void)[] = []
    const analyser: Analyser = {
      name: 'in bursts',
      maxTexts: 16,
      analyse: (asked, call) => answers.push(() => call.done(asked.map(() => ({ entities: [] })))),
      close: () => Promise.resolve(),
    }
    const service = new NlpService({
      analyser,
      maxConcurrency: 256,
      batchSize,
      busyShare: () => busy,
      probeIntervalMs: 1000,
      draining: never,
      cutOff: never,
      telemetry: silentTelemetry,
      clock,
    })
    t.after(() => service.close())
    const texts = Array.from({ length: batchSize }, () => 'text')
    const call = () => service.permits.request(() => service.call(texts, new Stop([never]), call))
    for (let one = 0; one < 256; one++) call()
    for (let burst = 0; burst < 400; burst++) {
      await clock.pass(10)
      for (const answer of answers.splice(0)) answer()
    }
    return { calls: service.permits.permits, places: service.places.permits }
  }

  for (const [batchSize, places] of [
    [1, 64],
    [16, 128],
  ] as const) {
    it(`makes fewer calls of ${batchSize}, and takes fewer records in; as many as ever with time to spare`, async (t) => {
      const busy = await narrowed(t, 0.95, batchSize)
      assert.equal(busy.calls, batchSize === 1 ? 32 : 8)
      assert.equal(busy.places, places)
      assert.equal((await narrowed(t, 0.5, batchSize)).calls, 256)
    })
  }
})
