import { systemClock, type Clock } from './clock.js'

export type CircuitState = 'closed' | 'open' | 'probing'

export interface CircuitBreakerOptions {
  /** How long it stays open before the next probe, in ms; above 0. */
  readonly probeIntervalMs: number
  readonly clock?: Clock
  /** Called after each change of state. */
  readonly onChange?: (state: CircuitState, cause: Error | undefined) => void
}

interface Waiter {
  readonly admit: (as: 'pass' | 'probe') => void
}

/**
 * Holds up a line whose other side is down, and asks now and then whether it is back (Nygard, "Release It!", 2007).
 *
 *     closed ──trip──▶ open ──probe interval──▶ probing ──succeed──▶ closed
 *                        ▲                         │
 *                        └── trip, abandonProbe ───┘
 *
 * When to trip is the caller's policy. Any success closes it and lets everybody in who waits. Each probe is one waiter
 * that is let through; where nobody waits, the next to come is the probe.
 */
export class CircuitBreaker {
  readonly #probeIntervalMs: number
  readonly #clock: Clock
  readonly #onChange: CircuitBreakerOptions['onChange']
  readonly #waiters = new Set<Waiter>()
  #state: CircuitState = 'closed'
  #probeDue = false
  #timer: unknown

  constructor({ probeIntervalMs, clock = systemClock, onChange }: CircuitBreakerOptions) {
    if (!(probeIntervalMs > 0))
      throw new RangeError(`probeIntervalMs: expected above 0, got ${probeIntervalMs}`)
    this.#probeIntervalMs = probeIntervalMs
    this.#clock = clock
    this.#onChange = onChange
  }

  get state(): CircuitState {
    return this.#state
  }

  get closed(): boolean {
    return this.#state === 'closed'
  }

  /**
   * Resolves at once when closed; else when it closes (`pass`) or when the caller is to be the probe (`probe`). A probe
   * must end in `succeed`, `trip` or `abandonProbe`.
   *
   * @throws the signal's reason when it is or becomes aborted first
   */
  enter(signal?: AbortSignal): Promise<'pass' | 'probe'> {
    if (signal?.aborted === true) return Promise.reject(reasonOf(signal))
    if (this.#state === 'closed') return Promise.resolve('pass')
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#waiters.delete(waiter)
        reject(reasonOf(signal))
      }
      const waiter: Waiter = {
        admit: (as) => {
          this.#waiters.delete(waiter)
          signal?.removeEventListener('abort', abort)
          resolve(as)
        },
      }
      signal?.addEventListener('abort', abort, { once: true })
      this.#waiters.add(waiter)
      if (this.#probeDue) this.#probe()
    })
  }

  /** A call succeeded: closes. */
  succeed(): void {
    if (this.#state === 'closed') return
    this.#stopTimer()
    this.#change('closed', undefined)
    for (const waiter of [...this.#waiters]) waiter.admit('pass')
  }

  /** Opens, or stays open after a failed probe. The next probe is due after the longer of the interval and `retryAfterMs`. */
  trip(cause: Error, retryAfterMs = 0): void {
    // Calls that were under way fail one after another; they must not put the next probe off.
    const underWay = this.#state === 'open' && (this.#timer !== undefined || this.#probeDue)
    this.#change('open', cause)
    if (!underWay || retryAfterMs > this.#probeIntervalMs)
      this.#startTimer(Math.max(this.#probeIntervalMs, retryAfterMs))
  }

  /** The probe ended without a verdict: the next waiter takes its place. */
  abandonProbe(): void {
    if (this.#state !== 'probing') return
    this.#change('open', undefined)
    this.#probe()
  }

  #probe(): void {
    const [next] = this.#waiters
    this.#probeDue = next === undefined
    if (next === undefined) return
    this.#change('probing', undefined)
    next.admit('probe')
  }

  #startTimer(delayMs: number): void {
    this.#stopTimer()
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined
      this.#probe()
    }, delayMs)
  }

  #stopTimer(): void {
    this.#probeDue = false
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #change(state: CircuitState, cause: Error | undefined): void {
    if (state === this.#state) return
    this.#state = state
    this.#onChange?.(state, cause)
  }
}

function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason
  return reason instanceof Error ? reason : new Error('aborted', { cause: reason })
}
