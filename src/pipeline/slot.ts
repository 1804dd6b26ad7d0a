import type { Semaphore } from './semaphore.js'

/** The permit that an item's work holds, where a semaphore was given. */
export interface Slot {
  /** Gives the permit back, for a time in which the work only waits. Does nothing where none is held. */
  release(): void
  /**
   * Takes a permit again, after those who asked before. Does nothing where one is held.
   *
   * @throws the signal's reason when it is or becomes aborted first; no permit is held then
   */
  acquire(signal?: AbortSignal): Promise<void>
}

/** Held from the start, until its work has ended. */
export class HeldSlot implements Slot {
  readonly #semaphore: Semaphore
  #held = true
  #over = false

  /** @param semaphore of which a permit was taken */
  constructor(semaphore: Semaphore) {
    this.#semaphore = semaphore
  }

  release(): void {
    if (!this.#held) return
    this.#held = false
    this.#semaphore.release()
  }

  async acquire(signal?: AbortSignal): Promise<void> {
    if (this.#held) return
    await this.#semaphore.acquire(signal)
    this.#granted()
  }

  /** The work has ended. */
  end(): void {
    this.#over = true
    this.release()
  }

  /** Perhaps once too often: asked for twice at once, or for work that has ended meanwhile. */
  #granted(): void {
    if (this.#held || this.#over) this.#semaphore.release()
    else this.#held = true
  }
}

/** Where no semaphore bounds the work. */
export const freeSlot = {
  release: () => undefined,
  acquire: () => Promise.resolve(),
  end: () => undefined,
} as const satisfies Slot & { readonly end: () => void }

/**
 * The permit for the item that is pulled next.
 *
 *     none ──ready()──▶ asked ──granted──▶ ready ──take(), giveBack()──▶ none
 *     any of them ──close()──▶ closed, and no permit is held
 */
export class NextPermit {
  readonly #semaphore: Semaphore
  readonly #onReady: () => void
  #state: 'none' | 'asked' | 'ready' | 'closed' = 'none'

  constructor(semaphore: Semaphore, onReady: () => void) {
    this.#semaphore = semaphore
    this.#onReady = onReady
  }

  /** Whether it is there. If not it is asked for, and `onReady` is called once it is. */
  ready(): boolean {
    if (this.#state === 'none') this.#ask()
    return this.#state === 'ready'
  }

  /** Makes it the permit of an item. */
  take(): HeldSlot {
    this.#state = 'none'
    return new HeldSlot(this.#semaphore)
  }

  /** Nothing is pulled for now: others may have it. */
  giveBack(): void {
    if (this.#state !== 'ready') return
    this.#state = 'none'
    this.#semaphore.release()
  }

  close(): void {
    if (this.#state === 'asked') this.#semaphore.withdraw(this.#granted)
    if (this.#state === 'ready') this.#semaphore.release()
    this.#state = 'closed'
  }

  #ask(): void {
    if (this.#semaphore.tryAcquire()) {
      this.#state = 'ready'
      return
    }
    this.#state = 'asked'
    this.#semaphore.request(this.#granted)
  }

  readonly #granted = (): void => {
    this.#state = 'ready'
    this.#onReady()
  }
}
