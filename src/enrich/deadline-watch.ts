import type { Clock } from '../pipeline/clock.js'
import type { Exchange } from './exchange.js'

export interface DeadlineWatchOptions {
  readonly clock: Clock
  readonly underWay: () => readonly Exchange[]
  /** Its time is over. It is under way no more after this. */
  readonly onLate: (exchange: Exchange) => void
}

/**
 * One timer for the time limits of all exchanges, which begin with the same limit: it is set for the one that is due first, and
 * then for the next that is still under way. A timer for each cost 1.2 µs a call.
 */
export class DeadlineWatch {
  readonly #options: DeadlineWatchOptions
  #timer: unknown

  constructor(options: DeadlineWatchOptions) {
    this.#options = options
  }

  /** To be called when an exchange begins that may take `limitMs`, always the same. */
  arm(limitMs: number): void {
    this.#timer ??= this.#options.clock.setTimeout(this.#look, limitMs)
  }

  close(): void {
    this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  readonly #look = (): void => {
    const { clock, underWay, onLate } = this.#options
    this.#timer = undefined
    const nowMs = clock.now()
    let nextMs = Infinity
    for (const exchange of underWay()) {
      if (exchange.untilMs <= nowMs) onLate(exchange)
      else nextMs = Math.min(nextMs, exchange.untilMs)
    }
    if (nextMs < Infinity) this.arm(nextMs - nowMs)
  }
}
