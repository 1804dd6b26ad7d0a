import type { PendingCommit } from '../delivery/committer.js'
import type { RecordHeaders } from '../delivery/delivery.js'
import type { OffsetRange } from '../delivery/settled-ranges.js'

/**
 * Dead letters as they lie in a topic or a file, in the order in which they were written, and the trace of those that were
 * brought back.
 */
export interface LetterLog {
  /** For people. */
  readonly name: string
  /** What the metadata of a trace may hold. */
  readonly maxTraceBytes: number
  /** What is there now. What is written from now on is not read: so nothing that is rejected again comes round. */
  open(): Promise<readonly LetterPart[]>
  /**
   * The letters from `position` on, some at a time; a part is read from one position to the next, not back.
   *
   * @returns none, and the end as position, where there are no more
   * @throws EnrichdError an outage, after which the same can be asked again; or a setting
   */
  read(
    part: LetterPart,
    position: number,
  ): Promise<{ readonly letters: readonly LyingLetter[]; readonly position: number }>
  /** Notes what was brought back. @throws EnrichdError; it can be noted again */
  saveTrace(settled: readonly PendingCommit[]): Promise<void>
  close(): Promise<void>
}

/** A partition of the topic, or the file. */
export interface LetterPart {
  readonly topic: string
  readonly partition: number
  /** The first letter that is there. */
  readonly earliest: number
  /** One past the last. */
  readonly end: number
  /** Brought back by earlier runs: everything before `tracedUpTo`, and these. */
  readonly tracedUpTo: number
  readonly traced: readonly OffsetRange[]
}

export interface LyingLetter {
  readonly offset: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: RecordHeaders
}
