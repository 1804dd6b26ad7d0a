import type { Clock } from '../pipeline/clock.js'
import type { CallLog } from './call-log.js'

export interface SilenceWatchOptions {
  readonly log: CallLog
  readonly clock: Clock
  /** How long no answer at all is nothing unusual, in ms. Asked anew each time. */
  readonly patienceMs: () => number
  /** A call that began after the last success has had no answer for this long. Called again at each `patienceMs` of silence. */
  readonly onSilence: (silentMs: number) => void
}

/** However near the moment is, the timer does not run hot. */
const minCheckMs = 10

/**
 * Notices a service that takes calls and answers none, long before they time out. Costs one timer, which runs while calls are in flight.
 */
export class SilenceWatch {
  readonly #options: SilenceWatchOptions
  #timer: unknown

  constructor(options: SilenceWatchOptions) {
    this.#options = options
  }

  /** To be called when a call begins. */
  arm(): void {
    if (this.#timer === undefined) this.#checkAfter(this.#options.patienceMs())
  }

  close(): void {
    this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #checkAfter(delayMs: number): void {
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#timer = undefined
      this.#check()
    }, delayMs)
  }

  #check(): void {
    const { log, clock, onSilence, patienceMs } = this.#options
    if (log.inFlight === 0) return
    const patience = patienceMs()
    const oldest = log.oldestUndecided()
    const silentMs = oldest === undefined ? 0 : clock.now() - oldest.startedMs
    if (silentMs >= patience) onSilence(silentMs)
    if (this.#timer === undefined)
      this.#checkAfter(silentMs >= patience ? patience : Math.max(minCheckMs, patience - silentMs))
  }
}
