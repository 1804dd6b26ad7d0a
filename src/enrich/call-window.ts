import type { Clock } from '../pipeline/clock.js'
import { Semaphore } from '../pipeline/semaphore.js'
import { BusyWindow } from './busy-window.js'
import { ConcurrencyLimit } from './concurrency-limit.js'

export interface CallWindowOptions {
  /** Calls in flight at most; an integer of 1 or more. The window begins here. */
  readonly maxConcurrency: number
  /** Texts per call, at most; an integer of 1 or more. */
  readonly batchSize: number
  /** The limit falls under 429, 503 and time-outs, and finds its way back. */
  readonly adaptive: boolean
  /** See `BusyWindow`; undefined: no call less is made while the thread is busy. */
  readonly busyShare: (() => number) | undefined
  /** Told of what the service is found to take, at first and at each change. */
  readonly onLimit: (calls: number) => void
  readonly clock: Clock
}

/** While the thread is busy, a turn of the event loop is to bring answers for so many records, and to so many calls. */
const leastPerTurn = { records: 32, calls: 8 }
/** Records that wait for a call, at most: no more than a turn of the event loop brings answers. */
const mostReady = 32

/**
 * How many calls may be in flight, and how many records on their way to one: as many as the service takes (`ConcurrencyLimit`),
 * and no more than are worth their while (`BusyWindow`).
 *
 * A call needs one of `permits`. A record needs one of `places`, which is taken before it is pulled: with several texts a call as
 * many as fit into the calls, with one as many again as calls, up to `mostReady`. Those whose turn has not come wait for a permit,
 * ready to be sent, so that no slot waits for a record to be pulled and decoded.
 */
export class CallWindow {
  readonly permits: Semaphore
  readonly places: Semaphore
  readonly batchSize: number
  readonly #limit: ConcurrencyLimit | undefined
  readonly #busy: BusyWindow | undefined
  #accepted: number
  #worthwhile: number

  constructor(options: CallWindowOptions) {
    const { maxConcurrency: max, batchSize, adaptive, busyShare, onLimit, clock } = options
    this.batchSize = batchSize
    this.#accepted = max
    this.#worthwhile = max
    this.permits = new Semaphore(max)
    this.places = new Semaphore(this.#placesFor(max))
    onLimit(max)
    const onChange = (calls: number): void => {
      this.#accepted = calls
      this.#resize()
      onLimit(calls)
    }
    this.#limit = adaptive ? new ConcurrencyLimit({ max, onChange, clock }) : undefined
    this.#busy = busyShare && this.#busyWindow({ max, busyShare, clock })
  }

  /** A good answer has come, to a call of whatever kind. */
  answered(): void {
    this.#busy?.answered()
  }

  /** While the service is up: a call that began as one of `level` in flight succeeded. See `ConcurrencyLimit`, for the next three too. */
  succeeded(level: number): void {
    this.#limit?.succeeded(level)
  }

  /** It was refused. `retryAfterMs`: what the service asked for. */
  refused(level: number, retryAfterMs: number | undefined): void {
    this.#limit?.refused(level, retryAfterMs)
  }

  timedOut(level: number): void {
    this.#limit?.timedOut(level)
  }

  /** The service was down. */
  restore(): void {
    this.#limit?.restore()
  }

  /** Lets go of its timer. Idempotent. */
  close(): void {
    this.#busy?.close()
  }

  #busyWindow(options: {
    readonly max: number
    readonly busyShare: () => number
    readonly clock: Clock
  }): BusyWindow | undefined {
    const perTurn = Math.max(leastPerTurn.calls, Math.ceil(leastPerTurn.records / this.batchSize))
    if (perTurn >= options.max) return undefined
    const onChange = (calls: number): void => {
      this.#worthwhile = calls
      this.#resize()
    }
    return new BusyWindow({ ...options, perTurn, onChange })
  }

  #resize(): void {
    const calls = Math.min(this.#accepted, this.#worthwhile)
    this.permits.resize(calls)
    this.places.resize(this.#placesFor(calls))
  }

  #placesFor(calls: number): number {
    return this.batchSize > 1 ? calls * this.batchSize : calls + Math.min(mostReady, calls)
  }
}
