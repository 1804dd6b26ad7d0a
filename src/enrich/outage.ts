import type { EnrichdError } from '../errors.js'
import { CircuitBreaker } from '../pipeline/circuit-breaker.js'
import type { Clock } from '../pipeline/clock.js'
import type { Telemetry } from '../telemetry/telemetry.js'

export interface OutageOptions {
  readonly probeIntervalMs: number
  /** Aborted: nothing is asked any more. */
  readonly draining: AbortSignal
  readonly telemetry: Pick<Telemetry, 'dependencyDown' | 'dependencyStillDown' | 'dependencyUp'>
  readonly clock: Clock
  /** Whether there is a text that once succeeded. */
  readonly canAsk: () => boolean
  /** Asks about that text. Called again though it has not come back. */
  readonly ask: () => void
  readonly onDown: () => void
  readonly onUp: () => void
}

/** Longer than any outage: the breaker sends no record as a probe while the last good text is asked about. */
const neverMs = 2 ** 31 - 1

/**
 * Whether the service is down, and the asking meanwhile.
 *
 * up ──down──▶ down, records as probes ──down (suspect, setting)──▶ down, asking with the last good text ──up──▶ up
 *
 * A service that cannot be reached or is overloaded is asked with waiting records, one each `probeIntervalMs`. Where the
 * failure could be a record's own, or costs calls (a wrong setting), the last good text is asked about instead, at the same
 * pace, also while earlier ones hang.
 */
export class Outage {
  readonly #options: OutageOptions
  readonly #breaker: CircuitBreaker
  #asking = false
  #timer: unknown
  #sinceMs = 0
  #code = ''

  constructor(options: OutageOptions) {
    const { probeIntervalMs, clock } = options
    this.#options = options
    this.#breaker = new CircuitBreaker({ probeIntervalMs, clock })
    options.draining.addEventListener('abort', this.#stopAsking)
  }

  get isDown(): boolean {
    return !this.#breaker.closed
  }

  /** The last good text is asked about at intervals. */
  get isAsking(): boolean {
    return this.#asking
  }

  /** Waits while the service is down; `probe` for the one record that is to try. @throws the signal's reason */
  enter(signal: AbortSignal): Promise<'pass' | 'probe'> {
    return this.#breaker.enter(signal)
  }

  /** The record that was to try did not: the next one is. */
  abandonProbe(): void {
    this.#breaker.abandonProbe()
  }

  /** The line waits, or goes on waiting, because of `error`. */
  down(error: EnrichdError): void {
    const wasDown = this.isDown
    if (!wasDown) this.#options.onDown()
    if (this.#asking || (error.kind !== 'outage' && this.#options.canAsk())) {
      this.#breaker.trip(error, neverMs)
      this.#askAfter(Math.max(this.#options.probeIntervalMs, error.retryAfterMs ?? 0))
    } else {
      this.#breaker.trip(error, error.retryAfterMs)
    }
    this.#tell(error, wasDown)
  }

  /** The service answered. */
  up(): void {
    if (!this.isDown) return
    this.#stopAsking()
    this.#options.onUp()
    this.#breaker.succeed()
    this.#options.telemetry.dependencyUp('nlp', this.#options.clock.now() - this.#sinceMs)
  }

  /** Lets go of signals and timers; whoever waits is let through. */
  close(): void {
    this.#options.draining.removeEventListener('abort', this.#stopAsking)
    this.#stopAsking()
    this.#breaker.succeed()
  }

  #tell(error: EnrichdError, wasDown: boolean): void {
    const { telemetry, clock } = this.#options
    if (!wasDown) this.#sinceMs = clock.now()
    if (!wasDown || error.code !== this.#code) telemetry.dependencyDown('nlp', error)
    else telemetry.dependencyStillDown('nlp', error, clock.now() - this.#sinceMs)
    this.#code = error.code
  }

  /** A failing answer may put the next question off (Retry-After), never bring it forward. */
  #askAfter(delayMs: number): void {
    if (this.#options.draining.aborted) return
    if (this.#asking && delayMs <= this.#options.probeIntervalMs) return
    this.#asking = true
    this.#schedule(delayMs)
  }

  #schedule(delayMs: number): void {
    const { clock, probeIntervalMs, ask } = this.#options
    clock.clearTimeout(this.#timer)
    this.#timer = clock.setTimeout(() => {
      this.#schedule(probeIntervalMs)
      ask()
    }, delayMs)
  }

  readonly #stopAsking = () => {
    this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#asking = false
  }
}
