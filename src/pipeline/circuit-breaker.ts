import { abortReason } from './abort-reason.js'
import { systemClock, type Clock } from './clock.js'

export type CircuitState = 'closed' | 'open' | 'probing'

export interface CircuitBreakerOptions {
  /** How long it stays open before the next probe, in ms; above 0. */
  readonly probeIntervalMs: number
  readonly clock?: Clock
  /** Called after each change of state. */
  readonly onChange?: (state: CircuitState, cause: Error | undefined) => void
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
  /** In the order in which they came; each is told as what it may go. */
  readonly #waiters = new Set<(as: 'pass' | 'probe') => void>()
  #state: CircuitState = 'closed'
  /** Open: when the next probe may go. */
  #probeAtMs = 0
  /** It may go now, and nobody has come to be it. */
  #probeDue = false
  #timer: unknown

  constructor({ probeIntervalMs, clock = systemClock, onChange }: CircuitBreakerOptions) {
    if (!(Number.isFinite(probeIntervalMs) && probeIntervalMs > 0))
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
    if (signal?.aborted === true) return Promise.reject(abortReason(signal))
    if (this.#state === 'closed') return Promise.resolve('pass')
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#waiters.delete(admit)
        reject(abortReason(signal))
      }
      const admit = (as: 'pass' | 'probe') => {
        this.#waiters.delete(admit)
        signal?.removeEventListener('abort', abort)
        resolve(as)
      }
      signal?.addEventListener('abort', abort, { once: true })
      this.#waiters.add(admit)
      if (this.#probeDue) this.#probe()
    })
  }

  /** A call succeeded: closes. */
  succeed(): void {
    if (this.#state === 'closed') return
    this.#stopTimer()
    this.#change('closed', undefined)
    for (const admit of this.#waiters) admit('pass')
  }

  /**
   * Opens, or stays open after a failed probe. The next probe is due after the longer of the interval and `retryAfterMs`.
   *
   * Calls that were under way fail one after another: while it is open, that does not put the probe off, unless by a
   * `retryAfterMs` that ends later. While a probe is out, a failure is taken for the probe's.
   */
  trip(cause: Error, retryAfterMs = 0): void {
    const wasOpen = this.#state === 'open'
    const delayMs = Math.max(this.#probeIntervalMs, retryAfterMs)
    const probeAtMs = this.#clock.now() + delayMs
    this.#change('open', cause)
    const isLater = retryAfterMs > this.#probeIntervalMs && probeAtMs > this.#probeAtMs
    if (wasOpen && !isLater) return
    this.#probeAtMs = probeAtMs
    this.#stopTimer()
    this.#timer = this.#clock.setTimeout(this.#timeUp, delayMs)
  }

  /** The probe ended without a verdict: the next waiter takes its place. */
  abandonProbe(): void {
    if (this.#state !== 'probing') return
    this.#change('open', undefined)
    this.#probe()
  }

  #probe(): void {
    const [admit] = this.#waiters
    this.#probeDue = admit === undefined
    if (admit === undefined) return
    this.#change('probing', undefined)
    admit('probe')
  }

  readonly #timeUp = (): void => {
    this.#timer = undefined
    this.#probe()
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
