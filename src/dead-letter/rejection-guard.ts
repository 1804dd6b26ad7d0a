import type { Finished, Rejected, SourceRecord } from '../delivery/delivery.js'
import { EnrichdError } from '../errors.js'
import { CircuitBreaker } from '../pipeline/circuit-breaker.js'
import type { Clock } from '../pipeline/clock.js'
import type { Telemetry } from '../telemetry/telemetry.js'

export interface RejectionGuardOptions {
  /** Rejected records in a row, none indexed between, after which the line stops; 1 or more. */
  readonly maxConsecutive: number
  /** How often one of the held records is tried again, in ms. */
  readonly probeIntervalMs: number
  /** Runs records through the whole line once more. Not called while an earlier call is under way. */
  readonly again: (records: readonly SourceRecord[]) => AsyncIterable<Finished>
  /** Aborted when the drain begins: held records are released. */
  readonly draining: AbortSignal
  readonly telemetry: Telemetry
  readonly clock: Clock
}

type Tell = (finished: Finished | Promise<Finished>) => void

/**
 * A thousand rejected records in a row are not a thousand bad records but one bad deployment. The guard lets rejected
 * records pass to the dead letters until too many came in a row; from then on it holds them, and so the line. One of
 * them is tried again at each interval, the one held longest; once one is indexed, all that are held go through the line
 * again as its input, within its bounds.
 *
 *     passing ──maxConsecutive in a row──▶ holding ──one is indexed──▶ passing
 */
export class RejectionGuard {
  readonly #options: RejectionGuardOptions
  readonly #breaker: CircuitBreaker
  /** Oldest first; each is told what became of it. */
  readonly #held = new Map<SourceRecord, Tell>()
  #trying = false
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
  pass(rejected: Rejected): Promise<Finished> {
    if (this.#heldSince === undefined && ++this.#inARow <= this.#options.maxConsecutive) {
      return Promise.resolve(rejected)
    }
    this.#stopLine(rejected)
    return new Promise((resolve) => {
      this.#held.set(rejected.record, resolve)
      if (!this.#trying) void this.#tryUntilNoneIsHeld()
    })
  }

  /** Alone: while it runs, what is held joins the next round. */
  async #tryUntilNoneIsHeld(): Promise<void> {
    this.#trying = true
    while (this.#held.size > 0) {
      const entered = await this.#breaker.enter(this.#options.draining).catch(() => 'drained' as const)
      const records = [...this.#held.keys()]
      if (entered === 'drained') this.#release(records)
      else await this.#tryAgain(entered === 'probe' ? records.slice(0, 1) : records)
    }
    this.#trying = false
  }

  async #tryAgain(records: readonly SourceRecord[]): Promise<void> {
    try {
      for await (const finished of this.#options.again(records)) this.#finished(finished)
      this.#breaker.abandonProbe()
    } catch (cause) {
      // The line itself failed, which ends the daemon by way of those that wait.
      const error = new EnrichdError('INTERNAL', 'the line failed while held records were tried again', {
        kind: 'setting',
        cause,
      })
      // Made only for those that nobody has told: a rejection that nobody takes would end the process at once.
      for (const record of records) this.#takeHeld(record)?.(Promise.reject(error))
    }
  }

  /** What is rejected once more goes to the end, so that one that stays bad does not keep the others from being tried. */
  #finished(finished: Finished): void {
    if (finished.status === 'indexed') this.indexed()
    if (finished.status !== 'rejected') {
      this.#tell(finished.record, finished)
      return
    }
    if (this.#heldSince !== undefined) this.#breaker.trip(finished.error)
    const tell = this.#takeHeld(finished.record)
    tell?.(this.pass(finished))
  }

  #release(records: readonly SourceRecord[]): void {
    for (const record of records) this.#tell(record, { status: 'released', record })
  }

  #tell(record: SourceRecord, finished: Finished | Promise<Finished>): void {
    this.#takeHeld(record)?.(finished)
  }

  #takeHeld(record: SourceRecord): Tell | undefined {
    const tell = this.#held.get(record)
    this.#held.delete(record)
    return tell
  }

  #stopLine({ error, reason }: Rejected): void {
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
