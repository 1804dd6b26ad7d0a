import { performance } from 'node:perf_hooks'
import { systemClock, type Clock } from '../pipeline/clock.js'

export interface BusyWindowOptions {
  /** Calls in flight at least, whatever is measured; an integer from 1. */
  readonly min: number
  /** Nor more than these; an integer from `min`. The window begins here. */
  readonly max: number
  /** Answered records that a turn of the event loop is to bring while it is busy: enough for a turn to be worth its while. */
  readonly perTurn: number
  /** Told of each change. */
  readonly onChange: (calls: number) => void
  /** See `loopBusyShare`. */
  readonly busyShare: () => number
  readonly clock?: Clock
}

const intervalMs = 100
/** What one interval counts for in the means. */
const weight = 0.2
/** Below, the line waits for others, and the window is as wide as can be. */
const idleShare = 0.8
/** From here on it is this thread that the line waits for. */
const fullShare = 0.85
/** A window changes by these factors at most, in one interval. */
const change = { least: 0.5, most: 1.25 }

/**
 * How many calls are worth having in flight while the thread itself is what holds the line up. Then more of them only wait for
 * it, and all that wait are carried through every garbage collection and out of the processor's caches. While the event loop is
 * busy all the time, the window follows the answers that one turn of it brings, by Little's law: too many in flight, and
 * they have piled up. As soon as the loop has time to spare again, because the service is slow or there is little to do, the
 * window is as wide as ever: then every record in flight counts.
 *
 * Measured with C = 256 and a service without latency: docs/performance.md, "CPU-bound".
 */
export class BusyWindow {
  readonly #options: BusyWindowOptions
  readonly #clock: Clock
  #calls: number
  #timer: unknown
  /** Means of late. */
  #busy = 0
  #perTurn = 0
  /** Since the last look. */
  #answers = 0
  #turns = 0
  #inTurn = false

  /** @throws RangeError for a bound that is none */
  constructor(options: BusyWindowOptions) {
    const { min, max, clock = systemClock } = options
    if (!Number.isInteger(min) || min < 1) throw new RangeError(`min must be an integer from 1, not ${min}`)
    if (!Number.isInteger(max) || max < min)
      throw new RangeError(`max must be an integer from ${min}, not ${max}`)
    this.#options = options
    this.#clock = clock
    this.#calls = max
  }

  /** An answer for so many records has come. */
  answered(records: number): void {
    this.#answers += records
    if (this.#inTurn) return
    this.#inTurn = true
    this.#turns++
    queueMicrotask(this.#endTurn)
    if (this.#timer === undefined) this.#lookLater()
  }

  /** Lets go of its timer. Idempotent. */
  close(): void {
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
    const isQuiet = this.#turns === 0
    this.#busy += weight * (this.#options.busyShare() - this.#busy)
    if (!isQuiet) this.#perTurn += weight * (this.#answers / this.#turns - this.#perTurn)
    this.#answers = 0
    this.#turns = 0
    this.#set(isQuiet || this.#busy < idleShare ? this.#options.max : this.#adjusted())
    // In a quiet time the next answer sets it going again.
    if (!isQuiet) this.#lookLater()
  }

  #adjusted(): number {
    if (this.#busy < fullShare) return this.#calls
    const { min, max, perTurn } = this.#options
    const factor = Math.min(change.most, Math.max(change.least, perTurn / this.#perTurn))
    return Math.max(min, Math.min(max, Math.round(this.#calls * factor)))
  }

  #set(calls: number): void {
    if (calls === this.#calls) return
    this.#calls = calls
    this.#options.onChange(calls)
  }
}

/** Tells the part of the time, since it was last asked, for which this thread's event loop was busy: 0 to 1. */
export function loopBusyShare(): () => number {
  let last = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, last)
    last = now
    return utilization
  }
}
