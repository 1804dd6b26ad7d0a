import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { Analyser } from '../../src/enrich/analyser.js'
import { BusyWindow, type BusyWindowOptions } from '../../src/enrich/busy-window.js'
import { NlpService } from '../../src/enrich/nlp-service.js'
import { Stop } from '../../src/enrich/stop.js'
import { silentTelemetry } from '../../src/telemetry/silent-telemetry.js'
import { FakeClock } from '../support/fake-clock.js'

interface Load {
  busy: number
  /** Answered records a turn of the event loop, with a window of so many calls. */
  perTurn: (calls: number) => number
}

function setUp(t: TestContext, load: Load, options: Partial<BusyWindowOptions> = {}) {
  const clock = new FakeClock()
  let calls = 256
  const window = new BusyWindow({
    min: 32,
    max: 256,
    perTurn: 32,
    busyShare: () => load.busy,
    onChange: (changed) => (calls = changed),
    clock,
    ...options,
  })
  t.after(() => window.close())
  /** Ten turns of the event loop in each tenth of a second. */
  const run = async (seconds: number) => {
    for (let interval = 0; interval < seconds * 10; interval++) {
      for (let turn = 0; turn < 10; turn++) {
        for (let left = load.perTurn(calls); left > 0; left--) window.answered(1)
        await clock.pass(10)
      }
    }
    return calls
  }
  return { clock, window, run, calls: () => calls }
}

describe('BusyWindow', () => {
  it('finds the calls that bring as many answers as wanted, while the loop is busy', async (t) => {
    const { run } = setUp(t, { busy: 0.95, perTurn: (calls) => Math.ceil(calls / 2) })
    const found = await run(10)
    assert.ok(found >= 55 && found <= 75, `${found} calls, where 64 bring 32 answers a turn`)
    assert.equal(await run(2), found)
  })

  it('does not narrow below the least', async (t) => {
    const { run } = setUp(t, { busy: 1, perTurn: () => 200 })
    assert.equal(await run(5), 32)
  })

  it('stays wide while answers come one by one, however busy the loop is', async (t) => {
    const { run } = setUp(t, { busy: 1, perTurn: () => 1 })
    assert.equal(await run(5), 256)
  })

  it('stays wide while the loop has time to spare, however many answers come at once', async (t) => {
    const { run } = setUp(t, { busy: 0.75, perTurn: () => 256 })
    assert.equal(await run(5), 256)
  })

  it('is wide again within half a second of the loop having time to spare', async (t) => {
    const load = { busy: 0.95, perTurn: () => 200 }
    const { run } = setUp(t, load)
    assert.equal(await run(5), 32)
    load.busy = 0.3
    assert.equal(await run(0.5), 256)
  })

  it('is wide again in a quiet time, and holds no timer then', async (t) => {
    const { clock, run, calls } = setUp(t, { busy: 0.95, perTurn: () => 200 })
    assert.equal(await run(5), 32)
    await clock.pass(200)
    assert.equal(calls(), 256)
    assert.equal(clock.timers, 0)
  })

  it('refuses bounds that are none', () => {
    const options = { perTurn: 1, busyShare: () => 0, onChange: () => undefined }
    assert.throws(() => new BusyWindow({ ...options, min: 0, max: 1 }), RangeError)
    assert.throws(() => new BusyWindow({ ...options, min: 2, max: 1 }), RangeError)
  })
})

describe('an NLP service on a busy thread', () => {
  const never = new AbortController().signal

  /** A service that answers all calls at once, each hundredth of a second, and is called as often as it may be. */
  async function carried(t: TestContext, busy: number, batchSize: number) {
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
      const busy = await carried(t, 0.95, batchSize)
      assert.equal(busy.calls, batchSize === 1 ? 32 : 8)
      assert.equal(busy.places, places)
      assert.equal((await carried(t, 0.5, batchSize)).calls, 256)
    })
  }
})
