import type { Rejected } from '../delivery/delivery.js'
import { EnrichdError } from '../errors.js'
import { CircuitBreaker } from '../pipeline/circuit-breaker.js'
import type { Clock } from '../pipeline/clock.js'
import type { Telemetry } from '../telemetry/telemetry.js'

/** Where dead letters go. One implementation each for Kafka and for a file. */
export interface DeadLetterStore {
  /**
   * Writes all of them, durably, in order.
   *
   * @throws EnrichdError; what was written of the batch is then unknown, and all of it is written again
   */
  write(rejected: readonly Rejected[]): Promise<void>
  close(): Promise<void>
}

export interface DeadLetterWriterOptions {
  readonly store: DeadLetterStore
  /** How often a store that fails is tried again, in ms. */
  readonly probeIntervalMs: number
  /** Aborted at the drain's deadline: what is not written by then is left in the source. */
  readonly cutOff: AbortSignal
  readonly telemetry: Telemetry
  readonly clock: Clock
}

/** Letters of one write. */
const BATCH_COUNT = 100
const BATCH_BYTES = 900_000

interface Waiting {
  readonly rejected: Rejected
  readonly done: (written: boolean) => void
}

/**
 * Writes dead letters, one write in flight, what comes meanwhile gathered into the next. A letter that cannot be written
 * is an outage or a wrong setting, never a loss: the writer says so and tries again for as long as it takes, and its
 * callers wait. Their number is the caller's bound.
 *
 * idle → writing → waiting (the store fails) → writing → idle
 */
export class DeadLetterWriter {
  readonly #options: DeadLetterWriterOptions
  readonly #breaker: CircuitBreaker
  #waiting: Waiting[] = []
  #running: Promise<void> | undefined
  #downSince: number | undefined

  constructor(options: DeadLetterWriterOptions) {
    this.#options = options
    this.#breaker = new CircuitBreaker({ probeIntervalMs: options.probeIntervalMs, clock: options.clock })
  }

  /** @returns true once the letter is written; false where it was cut off, or its record is no longer ours */
  write(rejected: Rejected): Promise<boolean> {
    return new Promise((done) => {
      this.#waiting.push({ rejected, done })
      this.#running ??= this.#run()
    })
  }

  async close(): Promise<void> {
    await this.#running
    await this.#options.store.close()
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) await this.#writeBatch(this.#takeBatch())
    // In the same turn as the look above: a letter that comes later begins a run of its own.
    this.#running = undefined
  }

  #takeBatch(): Waiting[] {
    let bytes = 0
    let taken = 0
    for (const { rejected } of this.#waiting) {
      bytes += rejected.record.bytes
      if (taken > 0 && (taken >= BATCH_COUNT || bytes > BATCH_BYTES)) break
      taken++
    }
    return this.#waiting.splice(0, taken)
  }

  /** Until all of it is written, cut off, or no longer ours: while the store is away, partitions move. */
  async #writeBatch(batch: readonly Waiting[]): Promise<void> {
    const { store, cutOff } = this.#options
    let ours = withoutLost(batch)
    while (ours.length > 0) {
      try {
        await this.#breaker.enter(cutOff)
      } catch {
        for (const { done } of ours) done(false)
        return
      }
      ours = withoutLost(ours)
      if (ours.length === 0) {
        this.#breaker.abandonProbe()
        return
      }
      try {
        await store.write(ours.map(({ rejected }) => rejected))
        this.#up()
        for (const { done } of ours) done(true)
        return
      } catch (error) {
        this.#down(error)
      }
    }
  }

  #up(): void {
    this.#breaker.succeed()
    if (this.#downSince === undefined) return
    this.#options.telemetry.dependencyUp('dead-letter', this.#options.clock.now() - this.#downSince)
    this.#downSince = undefined
  }

  #down(error: unknown): void {
    const { telemetry, clock } = this.#options
    const failure = toEnrichdError(error)
    this.#breaker.trip(failure)
    if (this.#downSince === undefined) {
      this.#downSince = clock.now()
      telemetry.dependencyDown('dead-letter', failure)
    } else {
      telemetry.dependencyStillDown('dead-letter', failure, clock.now() - this.#downSince)
    }
  }
}

/** Tells those that wait for a letter of somebody else's record. */
function withoutLost(batch: readonly Waiting[]): readonly Waiting[] {
  return batch.filter(({ rejected, done }) => {
    if (rejected.record.lease.aborted) done(false)
    return !rejected.record.lease.aborted
  })
}

function toEnrichdError(error: unknown): EnrichdError {
  if (error instanceof EnrichdError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new EnrichdError('DEAD_LETTER_FAILED', `dead letters cannot be written: ${message}`, {
    kind: 'outage',
    cause: error,
  })
}
