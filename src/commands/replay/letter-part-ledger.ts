import type { LetterPart } from '../../dead-letter/letter-log.js'
import type { PendingCommit } from '../../delivery/committer.js'
import { PartitionLedger } from '../../delivery/partition-ledger.js'
import { encodeSettledRanges } from '../../delivery/settled-ranges.js'

/** The letters of one part of the log: which were brought back before, and which in this run. Its trace only ever grows. */
export class LetterPartLedger {
  readonly part: LetterPart
  readonly #maxTraceBytes: number
  readonly #ledger = new PartitionLedger()
  /** The first traced range that does not lie before what was read. */
  #nextTraced = 0
  #saved: string

  constructor(part: LetterPart, maxTraceBytes: number) {
    this.part = part
    this.#maxTraceBytes = maxTraceBytes
    this.#saved = keyOf(this.#trace())
  }

  /**
   * A letter was read; letters come in ascending order.
   *
   * @returns whether an earlier run brought it back: then it is traced already, and must not be settled
   */
  track(offset: number): boolean {
    const { tracedUpTo, traced } = this.part
    if (offset < tracedUpTo) return true
    while ((traced[this.#nextTraced]?.[1] ?? Infinity) <= offset) this.#nextTraced++
    const before = (traced[this.#nextTraced]?.[0] ?? Infinity) <= offset
    this.#ledger.track(offset)
    if (before) this.#ledger.settle(offset)
    return before
  }

  /** It was brought back now. */
  settle(offset: number): void {
    this.#ledger.settle(offset)
  }

  /** Nothing more lies before this position. */
  advance(position: number): void {
    if (position > this.part.tracedUpTo) this.#ledger.advance(position)
  }

  /** What is to be noted, if it is not noted yet. */
  get unsaved(): PendingCommit | undefined {
    const trace = this.#trace()
    return keyOf(trace) === this.#saved ? undefined : trace
  }

  saved(trace: PendingCommit): void {
    this.#saved = keyOf(trace)
  }

  #trace(): PendingCommit {
    const { topic, partition, tracedUpTo, traced } = this.part
    const read = Math.max(this.#ledger.position ?? 0, tracedUpTo)
    // What earlier runs brought back and this one has not come to.
    const ahead = traced
      .filter(([, to]) => to > read)
      .map(([from, to]) => [Math.max(from, read), to] as const)
    const offset = this.#ledger.committable ?? tracedUpTo
    const metadata = encodeSettledRanges(
      offset,
      [...this.#ledger.settledBeyond(), ...ahead],
      this.#maxTraceBytes,
    )
    return { topic, partition, offset, metadata }
  }
}

function keyOf({ offset, metadata }: PendingCommit): string {
  return `${offset} ${metadata}`
}
