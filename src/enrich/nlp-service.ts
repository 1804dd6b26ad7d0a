import { EnrichdError } from '../errors.js'
import { systemClock, type Clock } from '../pipeline/clock.js'
import type { Semaphore } from '../pipeline/semaphore.js'
import { sleep } from '../pipeline/sleep.js'
import type { Telemetry } from '../telemetry/telemetry.js'
import type { Analyser } from './analyser.js'
import { Call, type CallHost, type CallResult, type CallRole, type Done } from './call.js'
import { CallCutter } from './call-cutter.js'
import { CallLog, type Verdict } from './call-log.js'
import { CallWindow } from './call-window.js'
import { classifyNlpError } from './classify-nlp-error.js'
import { Outage } from './outage.js'
import { RateLimit } from './rate-limit.js'
import { SilenceWatch } from './silence-watch.js'
import type { Stop } from './stop.js'

export interface NlpServiceOptions {
  readonly analyser: Analyser
  /** Calls in flight at most, probes included; an integer of 1 or more. */
  readonly maxConcurrency: number
  /** Default 1. Texts per call, at most what the analyser can: a record needs no call of its own. */
  readonly batchSize?: number
  /** See `BusyWindow`. Default: no call less is made while the thread is busy. */
  readonly busyShare?: () => number
  /** Default true: the limit falls under 429, 503 and time-outs, and finds its way back. */
  readonly adaptive?: boolean
  /** Default 0, no limit. Probes are not counted. */
  readonly maxRequestsPerSecond?: number
  /** How often a service that is down is asked again. */
  readonly probeIntervalMs: number
  /** Aborted: no probe is sent any more. */
  readonly draining: AbortSignal
  /** Aborted: every call in flight is cut off. */
  readonly cutOff: AbortSignal
  readonly telemetry: NlpTelemetry
  readonly clock?: Clock
}

export type NlpTelemetry = Pick<
  Telemetry,
  | 'nlpRequestFinished'
  | 'nlpInFlight'
  | 'nlpConcurrencyLimit'
  | 'dependencyDown'
  | 'dependencyStillDown'
  | 'dependencyUp'
>

const stopped = { status: 'stopped' } as const

/** Failures in a row before a service that cannot be reached counts as down: one may be a connection gone stale. */
const failuresToTrip = 3

/**
 * A service that is silent and then answers the first question may have swallowed the calls that hang, for a moment, or be slow for
 * their texts. The first time they are cut off and made again; if it is so again within this time, in ms, it is slow, and they are let be.
 */
const slowForMs = 60_000

/**
 * The NLP service as the line sees it: one door for every call, which waits while the service is down and decides whose fault a
 * failure was (ARCHITECTURE.md, "Four kinds of failure"). It goes down:
 *
 * - a wrong setting: at once, unless another call has succeeded since this one began;
 * - it cannot be reached: at the third failure in a row, if nothing has succeeded since that call began;
 * - overloaded (429, 503): the same, and no older call is in flight that may yet succeed;
 * - a suspect failure that nothing speaks against: the last text that succeeded is asked about, and fails too;
 * - silence: no answer to any call for three times as long as usual, and none to the last good text.
 *
 * It is up again once any call succeeds, or a text is rejected for its own sake.
 *
 * A call needs one of `permits`, taken by the caller, and a record one of `places`: see `CallWindow`.
 */
export class NlpService {
  readonly #window: CallWindow
  readonly #options: NlpServiceOptions
  readonly #clock: Clock
  readonly #log = new CallLog()
  readonly #outage: Outage
  readonly #silence: SilenceWatch
  readonly #cutter: CallCutter
  readonly #rate: RateLimit | undefined
  /** The last text that succeeded; what is asked about when in doubt. */
  #lastGood: string | undefined
  #asking: Promise<unknown> | undefined
  /** Nothing but silence speaks for the outage, or did for the last one: no call failed, and no question went without an answer. */
  #onlySilent = false
  /** When the last such outage ended. */
  #silentAtMs = -Infinity
  /** The slowest answers of late, in ms: rises fast, falls slowly. */
  #slowMs = 0

  constructor(options: NlpServiceOptions) {
    const { maxConcurrency, batchSize = 1, adaptive = true, maxRequestsPerSecond = 0, telemetry } = options
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#window = new CallWindow({
      maxConcurrency,
      batchSize: Math.min(batchSize, options.analyser.maxTexts),
      adaptive,
      busyShare: options.busyShare,
      onLimit: (calls) => {
        telemetry.nlpConcurrencyLimit(calls)
      },
      clock: this.#clock,
    })
    this.#rate = maxRequestsPerSecond === 0 ? undefined : new RateLimit(maxRequestsPerSecond)
    this.#outage = this.#watchOutage()
    const watching = { log: this.#log, clock: this.#clock, patienceMs: () => this.#patienceMs }
    this.#cutter = new CallCutter(watching)
    this.#silence = new SilenceWatch({
      ...watching,
      onSilence: (silentMs) => {
        this.#onSilence(silentMs)
      },
    })
    options.draining.addEventListener('abort', this.#cutter.stopQuestions)
    options.cutOff.addEventListener('abort', this.#cutter.stopAll)
  }

  get name(): string {
    return this.#options.analyser.name
  }

  get permits(): Semaphore {
    return this.#window.permits
  }

  get places(): Semaphore {
    return this.#window.places
  }

  /** Texts per call, at most. */
  get batchSize(): number {
    return this.#window.batchSize
  }

  /** The line waits. Whoever holds a place keeps it, so that nothing more is pulled. */
  get isDown(): boolean {
    return this.#outage.isDown
  }

  /**
   * One call, once the service is up and the rate limit lets it; never repeated. The caller has taken a permit, and the call gives it
   * back: at the moment of a good answer, else before `done` is called. `stop` ends the waiting, not the call.
   */
  call(texts: readonly string[], stop: Stop, done: Done): void {
    if (!this.#outage.isDown && this.#rate === undefined) this.#attempt(texts, 'record', done)
    else void this.#waitAndAttempt(texts, stop, done)
  }

  /** What the failure of the call that began at `beganAt` says of its text, as far as is known now. */
  verdict(beganAt: number): Verdict {
    return this.#log.verdict(beganAt)
  }

  /**
   * The same; where nothing speaks for the service yet, the last good text is asked about, in a place of its own. `undecided` if the
   * waiting for it is over.
   */
  async judge(beganAt: number, stop: Stop): Promise<Verdict> {
    try {
      await this.permits.acquire(stop.signal)
    } catch {
      return 'undecided'
    }
    try {
      if (this.#log.verdict(beganAt) === 'undecided' && !this.#outage.isDown) await this.#askLastGood()
      return this.#log.verdict(beganAt)
    } finally {
      this.permits.release()
    }
  }

  /** Lets go of timers and signals, once the records' calls are over. Idempotent. */
  close(): void {
    this.#options.draining.removeEventListener('abort', this.#cutter.stopQuestions)
    this.#options.cutOff.removeEventListener('abort', this.#cutter.stopAll)
    this.#cutter.close()
    this.#window.close()
    this.#silence.close()
    this.#outage.close()
  }

  async #waitAndAttempt(texts: readonly string[], stop: Stop, done: Done): Promise<void> {
    const entered = await this.#enter(stop)
    if (entered !== undefined && !stop.stopped) {
      this.#attempt(texts, entered === 'probe' ? 'probe' : 'record', done)
      return
    }
    if (entered === 'probe') this.#outage.abandonProbe()
    this.permits.release()
    done(stopped)
  }

  /** Waits until the service is up and the rate limit lets a call pass; undefined if the waiting is over. */
  async #enter(stop: Stop): Promise<'pass' | 'probe' | undefined> {
    try {
      for (;;) {
        const entered = await this.#outage.enter(stop.signal)
        const waitMs = entered === 'probe' ? 0 : (this.#rate?.reserve(this.#clock.now()) ?? 0)
        if (waitMs > 0) await sleep(waitMs, { clock: this.#clock, signal: stop.signal })
        if (waitMs === 0 || !this.#outage.isDown) return entered
      }
    } catch {
      return undefined
    }
  }

  #attempt(texts: readonly string[], role: CallRole, done: Done): void {
    const { analyser, telemetry } = this.#options
    const call = new Call(this.#host, { role, texts, startedMs: this.#clock.now(), asker: done })
    this.#log.began(call)
    telemetry.nlpInFlight(this.#log.inFlight)
    this.#silence.arm()
    analyser.analyse(texts, call)
  }

  readonly #host: CallHost = {
    answered: (call) => {
      this.#succeeded(call)
      this.#giveBack(call)
    },
    done: ({ asker, startedMs }, analyses) => {
      asker({ status: 'ok', analyses, startedMs })
    },
    failed: (call, thrown) => {
      void this.#broken(call, thrown).then((result) => {
        this.#giveBack(call)
        call.asker(result)
      })
    },
  }

  /** The permit of a question is its asker's. */
  #giveBack({ role }: Call): void {
    if (role !== 'question') this.permits.release()
  }

  async #broken(call: Call, thrown: unknown): Promise<CallResult> {
    const { telemetry } = this.#options
    const { startedMs, beganAt } = call
    const error = classifyNlpError({ error: thrown, answering: false })
    this.#log.failed(call)
    telemetry.nlpRequestFinished(this.#clock.now() - startedMs, 'failed', call.texts.length)
    telemetry.nlpInFlight(this.#log.inFlight)
    if (call.cutOff === 'stopped') {
      if (call.role === 'probe') this.#outage.abandonProbe()
      return stopped
    }
    if (call.cutOff === undefined) await this.#failed(call, error)
    return { status: 'failed', error, startedMs, beganAt }
  }

  #succeeded(call: Call): void {
    const { telemetry } = this.#options
    const durationMs = this.#clock.now() - call.startedMs
    this.#log.succeeded(call)
    telemetry.nlpRequestFinished(durationMs, 'ok', call.texts.length)
    telemetry.nlpInFlight(this.#log.inFlight)
    this.#window.answered()
    this.#lastGood = call.texts[0]
    this.#slowMs += (durationMs - this.#slowMs) * (durationMs > this.#slowMs ? 0.5 : 1 / 64)
    if (this.#outage.isDown) this.#outage.up()
    else this.#window.succeeded(call.level)
  }

  async #failed(call: Call, error: EnrichdError): Promise<void> {
    if (error.kind === 'record') {
      this.#outage.up()
      return
    }
    this.#onlySilent = false
    if (this.#outage.isDown) {
      if (call.role !== 'record') this.#outage.down(error)
    } else {
      if (error.code === 'NLP_OVERLOADED') this.#window.refused(call.level, error.retryAfterMs)
      if (error.code === 'NLP_TIMEOUT') this.#window.timedOut(call.level)
      if (this.#log.verdict(call.beganAt) !== 'undecided') return
      if (this.#meansDown(error, call)) this.#outage.down(error)
      else if (this.#isDoubtful(error)) await this.#askLastGood()
    }
  }

  #meansDown(error: EnrichdError, call: Call): boolean {
    if (error.kind === 'setting') return true
    if (error.kind === 'suspect' && call.role === 'question') return true
    if (this.#log.failures < failuresToTrip) return false
    if (error.kind === 'suspect') return this.#lastGood === undefined
    return error.code !== 'NLP_OVERLOADED' || !this.#log.olderInFlight(call)
  }

  /** Nothing else in flight can tell, or it is getting too much to be chance. */
  #isDoubtful(error: EnrichdError): boolean {
    return error.kind === 'suspect' && (this.#log.inFlight === 0 || this.#log.failures >= failuresToTrip)
  }

  /** Asks about the last good text, for all who are in doubt at once. If it fails too, the service is down. */
  #askLastGood(): Promise<unknown> {
    if (this.#lastGood === undefined || this.#options.draining.aborted) return Promise.resolve()
    this.#asking ??= this.#question(this.#lastGood).finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  #question(text: string): Promise<CallResult> {
    return new Promise((done) => {
      this.#attempt([text], 'question', done)
    })
  }

  /** The pace of an outage: each interval once more, in the place of a call that hangs if there is no other. */
  #askAgain(): void {
    if (this.#lastGood === undefined) return
    if (this.#cutter.isAsking) this.#onlySilent = false
    if (this.#log.inFlight >= this.#options.maxConcurrency && !this.#cutter.cutOneHung()) return
    void this.#question(this.#lastGood)
  }

  /**
   * Nobody answers. If a permit is free, that is asked in its place; if not, or if even that has no answer, the service is down.
   * With one call at a time there is no room to ask: then the call's own time limit has to do.
   */
  #onSilence(silentMs: number): void {
    const { maxConcurrency, draining } = this.#options
    if (this.#lastGood === undefined || maxConcurrency === 1 || draining.aborted || this.#outage.isAsking)
      return
    if (!this.#outage.isDown && this.#asking === undefined && this.permits.tryAcquire()) {
      void this.#askLastGood().finally(() => {
        this.permits.release()
      })
      return
    }
    const waiting = this.#log.inFlight
    if (!this.#outage.isDown) this.#onlySilent = this.#asking === undefined
    const message = `the NLP service has not answered any call for ${Math.round(silentMs)} ms (${waiting} in flight)`
    this.#outage.down(new EnrichdError('NLP_TIMEOUT', message, { kind: 'suspect' }))
  }

  get #patienceMs(): number {
    return Math.max(this.#options.probeIntervalMs, 3 * this.#slowMs)
  }

  #watchOutage(): Outage {
    const { probeIntervalMs, draining, telemetry } = this.#options
    return new Outage({
      probeIntervalMs,
      draining,
      telemetry,
      clock: this.#clock,
      canAsk: () => this.#lastGood !== undefined,
      ask: () => {
        this.#askAgain()
      },
      onDown: () => {
        this.#log.tripped()
        this.#window.restore()
      },
      onUp: () => {
        const now = this.#clock.now()
        const isSlow = this.#onlySilent && now - this.#silentAtMs < slowForMs
        if (isSlow) this.#slowMs = Math.max(this.#slowMs, this.#cutter.spareAfterOutage())
        else this.#cutter.cutAfterOutage()
        if (this.#onlySilent) this.#silentAtMs = now
      },
    })
  }
}
