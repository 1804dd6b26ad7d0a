import { systemClock, type Clock } from '../pipeline/clock.js'

export interface BusyWindowOptions {
  /** The window never goes above; an integer from `perTurn`. It begins here. */
  readonly max: number
  /** Answers that a turn of the event loop is to bring, enough for it to be worth its while; an integer from 1. Never fewer calls. */
  readonly perTurn: number
  /** Told of each change. */
  readonly onChange: (calls: number) => void
  /** See `loopBusyShare`. */
  readonly busyShare: () => number
  readonly clock?: Clock
}

const intervalMs = 100
/** What one interval counts for in the mean of the busy share. */
const weight = 0.2
/** Below, the line waits for others, and every call counts. */
const busyFrom = 0.85
/** A window changes by these factors at most, in one interval. */
const change = { least: 0.5, most: 1.25 }

/**
 * How many calls are worth having in flight while the thread itself is what holds the line up. Those that it cannot deal with yet only
 * wait for it, and are carried through every garbage collection and out of the processor's caches meanwhile. How many wait is
 * told by the answers that one turn of the event loop brings: what is above `perTurn` is taken off the window, what is missing is put
 * back. The service's own share, its latency times the rate (Little's law), stays in flight. While the loop has time to spare, because the
 * service is slow or there is little to do, the window is as wide as can be.
 *
 * Measured with C = 256: docs/performance.md, "CPU-bound".
 */
export class BusyWindow {
  readonly #options: BusyWindowOptions
  readonly #clock: Clock
  #calls: number
  #timer: unknown
  #closed = false
  /** Mean of late. */
  #busy = 0
  /** Since the last look. */
  #answers = 0
  #turns = 0
  #inTurn = false

  /** @throws RangeError for a bound that is none */
  constructor(options: BusyWindowOptions) {
    const { perTurn, max, clock = systemClock } = options
    if (!Number.isInteger(perTurn) || perTurn < 1)
      throw new RangeError(`perTurn must be an integer from 1, not ${perTurn}`)
    if (!Number.isInteger(max) || max < perTurn)
      throw new RangeError(`max must be an integer from ${perTurn}, not ${max}`)
    this.#options = options
    this.#clock = clock
    this.#calls = max
  }

  /** The answer to a call has come. */
  answered(): void {
    this.#answers++
    if (this.#inTurn) return
    this.#inTurn = true
    this.#turns++
    queueMicrotask(this.#endTurn)
    if (this.#timer === undefined && !this.#closed) this.#lookLater()
  }

  /** Lets go of its timer, for good. Idempotent. */
  close(): void {
    this.#closed = true
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  readonly #endTurn = (): void => {
    this.#inTurn = false
  }

  #lookLater(): void {
    this.#timer = this.#clock.setTimeout(this.#look, intervalMs)
  }

  readonly #look = (): void => {
    this.#timer = undefined
    const answersPerTurn = this.#answers / this.#turns
    const isQuiet = this.#turns === 0
    this.#busy += weight * (this.#options.busyShare() - this.#busy)
    this.#answers = 0
    this.#turns = 0
    this.#set(isQuiet || this.#busy < busyFrom ? this.#options.max : this.#adjusted(answersPerTurn))
    // In a quiet time the next answer sets it going again.
    if (!isQuiet) this.#lookLater()
  }

  #adjusted(answersPerTurn: number): number {
    const { perTurn, max } = this.#options
    const calls = this.#calls
    const wanted = calls + perTurn - answersPerTurn
    const next = Math.round(Math.min(calls * change.most, Math.max(calls * change.least, wanted)))
    return Math.min(max, Math.max(perTurn, next))
  }

  #set(calls: number): void {
    if (calls === this.#calls) return
    this.#calls = calls
    this.#options.onChange(calls)
  }
}
