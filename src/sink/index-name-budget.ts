import { EnrichdError } from '../errors.js'
import { systemClock, type Clock } from '../pipeline/clock.js'

export interface IndexNameBudgetOptions {
  /** New index names within any hour, at most. */
  readonly maxNewNamesPerHour: number
  /** Asks whether something of that name is there; undefined where it may not be asked. Rejects during an outage. */
  readonly exists: (name: string, signal: AbortSignal) => Promise<boolean | undefined>
  readonly clock?: Clock
}

const hourMs = 3_600_000
/** Names remembered as known, at most. A forgotten one is asked for again, and is then no new one. */
const maxKnownNames = 10_000

/**
 * Keeps a mistaken template or a flood of field values from making indices without end. A name that exists already
 * costs nothing; a name that does not is counted, once. `known` is the hot path; `admit` asks, for names seen first.
 */
export class IndexNameBudget {
  readonly #options: IndexNameBudgetOptions
  readonly #clock: Clock
  readonly #known = new Set<string>()
  readonly #asking = new Map<string, Promise<void>>()
  #newAtMs: number[] = []

  constructor(options: IndexNameBudgetOptions) {
    const { maxNewNamesPerHour } = options
    if (!Number.isInteger(maxNewNamesPerHour) || maxNewNamesPerHour < 1) {
      throw new RangeError(`maxNewNamesPerHour: ${maxNewNamesPerHour} is not an integer from 1`)
    }
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  known(name: string): boolean {
    return this.#known.has(name)
  }

  /**
   * Resolves once the name may be written to. Rejects with `INDEX_TOO_MANY_NAMES`, whose `retryAfterMs` says when the
   * hour allows another one, or with whatever `exists` rejects with. Calls for the same name share one question.
   */
  async admit(name: string, signal: AbortSignal): Promise<void> {
    if (this.#known.has(name)) return
    const asking = this.#asking.get(name) ?? this.#ask(name, signal).finally(() => this.#asking.delete(name))
    this.#asking.set(name, asking)
    await asking
  }

  async #ask(name: string, signal: AbortSignal): Promise<void> {
    if ((await this.#options.exists(name, signal)) !== true) this.#count(name)
    const oldest = this.#known.size < maxKnownNames ? undefined : this.#known.values().next().value
    if (oldest !== undefined) this.#known.delete(oldest)
    this.#known.add(name)
  }

  #count(name: string): void {
    const now = this.#clock.now()
    const { maxNewNamesPerHour } = this.#options
    this.#newAtMs = this.#newAtMs.filter((atMs) => now - atMs < hourMs)
    const oldest = this.#newAtMs[0]
    if (oldest !== undefined && this.#newAtMs.length >= maxNewNamesPerHour) {
      const message =
        `more than ${maxNewNamesPerHour} new index names within an hour, the next is ${name}; ` +
        'check elasticsearch.index, or create the indices before'
      const retryAfterMs = oldest + hourMs - now
      throw new EnrichdError('INDEX_TOO_MANY_NAMES', message, { kind: 'setting', retryAfterMs })
    }
    this.#newAtMs.push(now)
  }
}
