import { checkCount } from './bound.js'
import { systemClock, type Clock } from './clock.js'

export interface StandingQueueOptions {
  /** The limit is never below, so that the consumer finds work; an integer from 1. It begins here: a consumer that is cold is slow. */
  readonly min: number
  /** Nor above; an integer from `min`. */
  readonly max: number
  readonly clock?: Clock
}

/** Long enough for a consumer that works in bursts to have emptied the queue once. */
const intervalMs = 1000

/**
 * How long a queue may grow. A queue that empties now and then absorbs what comes in bursts, and is given room; one that never does
 * is no use to anybody: its consumer is the bottleneck, and is as busy with a short one. It is told by the least that waited in
 * an interval, as in CoDel (Nichols and Jacobson, "Controlling Queue Delay", ACM Queue 2012), which drops what stands; here the
 * limit falls by it, and nothing more is begun until the queue is shorter. Once the queue has been empty the limit doubles.
 */
export class StandingQueue {
  readonly #min: number
  readonly #max: number
  readonly #clock: Clock
  #limit: number
  #least = Infinity
  #sinceMs: number

  /** @throws RangeError for a bound that is none */
  constructor({ min, max, clock = systemClock }: StandingQueueOptions) {
    this.#min = checkCount('min', min)
    this.#max = checkCount('max', max)
    if (max < min) throw new RangeError(`max: expected ${min} or more, got ${max}`)
    this.#clock = clock
    this.#limit = min
    this.#sinceMs = clock.now()
  }

  get limit(): number {
    return this.#limit
  }

  /** Whether so many waiting items are enough. To be asked at each change: the limit follows what is asked. */
  isFull(waiting: number): boolean {
    this.#least = Math.min(this.#least, waiting)
    const now = this.#clock.now()
    if (now - this.#sinceMs >= intervalMs) {
      this.#limit =
        this.#least === 0
          ? Math.min(this.#max, 2 * this.#limit)
          : Math.max(this.#min, this.#limit - this.#least)
      this.#sinceMs = now
      this.#least = Infinity
    }
    return waiting >= this.#limit
  }
}
