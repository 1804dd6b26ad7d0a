interface Waiter {
  readonly grant: () => void
  gone: boolean
}

/**
 * A counting semaphore: at most `permits` are held at once. Fair (first come, first served), resizable, abortable.
 */
export class Semaphore {
  #permits: number
  #inUse = 0
  #waiting = 0
  #queue: Waiter[] = []

  /** @throws RangeError unless `permits` is an integer of 1 or more */
  constructor(permits: number) {
    this.#permits = checked(permits)
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
    return this.#waiting
  }

  /** Takes a permit if one is free and nobody waits for it. */
  tryAcquire(): boolean {
    if (this.#waiting > 0 || this.#inUse >= this.#permits) return false
    this.#inUse++
    return true
  }

  /**
   * Takes a permit, after those who asked before.
   *
   * @throws the signal's reason when it is or becomes aborted first; no permit is held then
   */
  acquire(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(reasonOf(signal))
    if (this.tryAcquire()) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const abort = () => {
        waiter.gone = true
        this.#waiting--
        reject(reasonOf(signal))
        this.#grant()
      }
      const waiter: Waiter = {
        gone: false,
        grant: () => {
          signal?.removeEventListener('abort', abort)
          resolve()
        },
      }
      signal?.addEventListener('abort', abort, { once: true })
      this.#queue.push(waiter)
      this.#waiting++
    })
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
    this.#permits = checked(permits)
    this.#grant()
  }

  #grant(): void {
    while (this.#waiting > 0 && this.#inUse < this.#permits) {
      const waiter = this.#queue.shift()
      if (waiter === undefined) return
      if (waiter.gone) continue
      this.#waiting--
      this.#inUse++
      waiter.grant()
    }
    if (this.#waiting === 0) this.#queue = []
  }
}

function checked(permits: number): number {
  if (Number.isInteger(permits) && permits >= 1) return permits
  throw new RangeError(`permits: expected an integer of 1 or more, got ${permits}`)
}

function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason
  return reason instanceof Error ? reason : new Error('aborted', { cause: reason })
}
