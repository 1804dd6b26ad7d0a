import { abortReason } from './abort-reason.js'
import { checkCount } from './bound.js'
import { Fifo } from './fifo.js'

/**
 * A counting semaphore: at most `permits` are held at once. Fair (first come, first served), resizable, abortable.
 */
export class Semaphore {
  #permits: number
  #inUse = 0
  /** Those who wait, in the order in which they came; each is told when it has its permit. */
  readonly #waiters = new Fifo<() => void>()

  /** @throws RangeError unless `permits` is an integer of 1 or more */
  constructor(permits: number) {
    this.#permits = checkCount('permits', permits)
  }

  /** How many may be held at once. */
  get permits(): number {
    return this.#permits
  }

  /** How many are held. More than `permits` for a while after it was made smaller. */
  get inUse(): number {
    return this.#inUse
  }

  /** How many callers wait. */
  get waiting(): number {
    return this.#waiters.length
  }

  /** Takes a permit if one is free and nobody waits for it. */
  tryAcquire(): boolean {
    if (this.#waiters.length > 0 || this.#inUse >= this.#permits) return false
    this.#inUse++
    return true
  }

  /**
   * Takes a permit, after those who asked before.
   *
   * @throws the signal's reason when it is or becomes aborted first; no permit is held then
   */
  acquire(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(abortReason(signal))
    if (this.tryAcquire()) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.withdraw(granted)
        reject(abortReason(signal))
      }
      const granted = () => {
        signal?.removeEventListener('abort', abort)
        resolve()
      }
      signal?.addEventListener('abort', abort, { once: true })
      this.request(granted)
    })
  }

  /**
   * Asks for a permit, after those who asked before: `granted` is called once it is there, perhaps at once. For who asks
   * again and again: a promise and a listener on a signal for each permit cost 2 µs.
   */
  request(granted: () => void): void {
    if (this.tryAcquire()) granted()
    else this.#waiters.push(granted)
  }

  /** Takes a request back that was not granted yet; O(waiting). */
  withdraw(granted: () => void): void {
    this.#waiters.takeWhere((waiter) => waiter === granted)
  }

  /** Gives a permit back; whoever waits longest gets it. @throws RangeError where none is held */
  release(): void {
    if (this.#inUse === 0) throw new RangeError('release: no permit is held')
    this.#inUse--
    this.#grant()
  }

  /**
   * Changes how many may be held. Growing lets waiters in at once; shrinking takes nothing away, permits given back
   * are withheld until the new size is reached.
   *
   * @throws RangeError unless `permits` is an integer of 1 or more
   */
  resize(permits: number): void {
    this.#permits = checkCount('permits', permits)
    this.#grant()
  }

  #grant(): void {
    while (this.#waiters.length > 0 && this.#inUse < this.#permits) {
      this.#inUse++
      this.#waiters.shift()()
    }
  }
}
