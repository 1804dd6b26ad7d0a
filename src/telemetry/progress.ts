import type { Clock } from '../pipeline/clock.js'
import { bottleneck } from './bottleneck.js'
import type { LogLine } from './logger.js'
import type { RunCounts } from './run-counts.js'
import type { RunStatus } from './run-status.js'
import { countInWords } from './words.js'

export interface ProgressOptions {
  readonly counts: RunCounts
  readonly status: RunStatus
  readonly clock: Clock
  /** The shortest time between two lines while records are settled, in ms. */
  readonly intervalMs: number
  /** The same while there are records and none is settled, in ms. */
  readonly waitingIntervalMs: number
  readonly say: (line: LogLine) => void
}

/** Says now and then how the work goes: often while it goes, rarely while it waits, nothing where there is none. */
export class Progress {
  readonly #options: ProgressOptions
  #saidMs: number
  #saidSettled = 0

  constructor(options: ProgressOptions) {
    this.#options = options
    this.#saidMs = options.clock.now()
  }

  /** To be called about once a second. */
  tick(): void {
    const { counts, status, clock, intervalMs, waitingIntervalMs } = this.#options
    const sinceMs = clock.now() - this.#saidMs
    if (sinceMs < intervalMs) return
    const moved = counts.settled > this.#saidSettled
    const waits = (status.lag ?? 0) > 0 || status.buffered.records > 0
    if (moved || (waits && sinceMs >= waitingIntervalMs)) this.#say()
  }

  #say(): void {
    const { counts, status, clock, say } = this.#options
    this.#saidMs = clock.now()
    this.#saidSettled = counts.settled
    const { flow } = status
    const { sentence } = bottleneck(flow)
    const perSecond = flow.rates.recordsPerSecond
    const retried = counts.retries.total
    const behind = flow.lag === undefined ? '' : `, lag ${countInWords(flow.lag)}`
    say({
      event: 'pipeline.progress',
      message:
        `processed ${countInWords(counts.indexed)} (${countInWords(perSecond)}/s), ` +
        `errors ${countInWords(counts.deadLettered)}, retried ${countInWords(retried)}${behind}: ${sentence}`,
      fields: {
        processed: counts.indexed,
        errors: counts.deadLettered,
        retried,
        dropped: counts.droppedInAll,
        released: counts.released,
        recordsPerSecond: Math.round(perSecond * 10) / 10,
        inFlight: status.inFlight,
        buffered: flow.buffered.records,
        lag: flow.lag,
        bottleneck: sentence,
      },
    })
  }
}
