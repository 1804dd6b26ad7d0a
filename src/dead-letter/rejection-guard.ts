import type { Finished, Rejected } from '../delivery/delivery.js'
import { EnrichdError } from '../errors.js'
import { CircuitBreaker } from '../pipeline/circuit-breaker.js'
import type { Clock } from '../pipeline/clock.js'
import type { Telemetry } from '../telemetry/telemetry.js'

export interface RejectionGuardOptions {
  /** Rejected records in a row, none indexed between, after which the line stops; 1 or more. */
  readonly maxConsecutive: number
  /** How often one of the held records is tried again, in ms. */
  readonly probeIntervalMs: number
  /** Runs a record through the whole line once more, by itself. */
  readonly again: (rejected: Rejected) => Promise<Finished>
  /** Aborted when the drain begins: held records are released. */
  readonly draining: AbortSignal
  readonly telemetry: Telemetry
  readonly clock: Clock
}

/**
 * A thousand rejected records in a row are not a thousand bad records but one bad deployment. The guard lets rejected
 * records pass to the dead letters until too many came in a row; from then on it holds them, and so the line. One of
 * them is tried again at each interval; once one is indexed, all that were held are tried again.
 *
 * passing ──maxConsecutive in a row──▶ holding ──one is indexed──▶ passing
 */
export class RejectionGuard {
  readonly #options: RejectionGuardOptions
  readonly #breaker: CircuitBreaker
  #inARow = 0
  #heldSince: number | undefined

  constructor(options: RejectionGuardOptions) {
    if (!(options.maxConsecutive >= 1)) {
      throw new RangeError(`maxConsecutive: expected 1 or more, got ${options.maxConsecutive}`)
    }
    this.#options = options
    this.#breaker = new CircuitBreaker({ probeIntervalMs: options.probeIntervalMs, clock: options.clock })
  }

  /** A record was indexed: the row is broken. */
  indexed(): void {
    this.#inARow = 0
    if (this.#heldSince === undefined) return
    this.#options.telemetry.dependencyUp('dead-letter', this.#options.clock.now() - this.#heldSince)
    this.#heldSince = undefined
    this.#breaker.succeed()
  }

  /**
   * Decides about a rejected record: itself, to be written as a dead letter; or what became of it when it was tried again;
   * or released, where the drain came first.
   */
  async pass(rejected: Rejected): Promise<Finished> {
    if (this.#heldSince === undefined && ++this.#inARow <= this.#options.maxConsecutive) return rejected
    this.#hold(rejected)
    for (;;) {
      try {
        await this.#breaker.enter(this.#options.draining)
      } catch {
        return { status: 'released', record: rejected.record }
      }
      const finished = await this.#options.again(rejected)
      if (finished.status === 'indexed') this.indexed()
      else if (finished.status !== 'rejected') this.#breaker.abandonProbe()
      if (finished.status !== 'rejected') return finished
      if (this.#heldSince === undefined) return this.pass(finished)
      this.#breaker.trip(finished.error)
    }
  }

  #hold({ error, reason }: Rejected): void {
    if (this.#heldSince !== undefined) return
    this.#heldSince = this.#options.clock.now()
    this.#breaker.trip(error)
    const { maxConsecutive } = this.#options
    const message =
      `${maxConsecutive} records in a row were rejected (${reason}), none was indexed between: this looks like a bad ` +
      'deployment and not like bad records. The line waits and tries one of them now and then; look at the NLP service, ' +
      'the mapping and the decode settings, or raise deadLetter.maxConsecutive'
    this.#options.telemetry.dependencyDown(
      'dead-letter',
      new EnrichdError('TOO_MANY_REJECTED', message, { kind: 'setting', cause: error }),
    )
  }
}
