import type { EnrichdError } from '../errors.js'
import type { Clock } from '../pipeline/clock.js'
import type { Telemetry } from '../telemetry/telemetry.js'

const complaintIntervalMs = 60_000

/** Tells operators when the line waits for Elasticsearch and when it goes on, each change once. */
export class OutageReport {
  readonly #telemetry: Telemetry
  readonly #clock: Clock
  readonly #complainedAtMs = new Map<string, number>()
  #down: { readonly sinceMs: number; readonly code: string } | undefined

  constructor(telemetry: Telemetry, clock: Clock) {
    this.#telemetry = telemetry
    this.#clock = clock
  }

  /** The line waits, or goes on waiting. */
  down(error: EnrichdError): void {
    const now = this.#clock.now()
    if (this.#down?.code === error.code) {
      this.#telemetry.dependencyStillDown('elasticsearch', error, now - this.#down.sinceMs)
      return
    }
    this.#down = { sinceMs: this.#down?.sinceMs ?? now, code: error.code }
    this.#telemetry.dependencyDown('elasticsearch', error)
  }

  /** The line goes on, if it was waiting. */
  up(): void {
    if (this.#down === undefined) return
    this.#telemetry.dependencyUp('elasticsearch', this.#clock.now() - this.#down.sinceMs)
    this.#down = undefined
  }

  /** Some records wait for somebody to change a setting, while others flow. At most once a minute for each code. */
  complain(error: EnrichdError): void {
    const now = this.#clock.now()
    const last = this.#complainedAtMs.get(error.code)
    if (last !== undefined && now - last < complaintIntervalMs) return
    this.#complainedAtMs.set(error.code, now)
    const message = `some records wait until this is changed: ${error.message}`
    this.#telemetry.warning('elasticsearch.records_wait', message, { code: error.code })
  }
}
