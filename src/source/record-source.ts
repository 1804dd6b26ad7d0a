import type { SourceRecord } from '../delivery/delivery.js'
import type { PartitionState, Uncommitted } from './owned-partition.js'

/** What the daemon needs of a source, whatever it reads from. Every record handed out comes back by `settle` or `release`, once. */
export interface RecordSource extends AsyncIterable<SourceRecord> {
  /** Reads, until `leave`. Failures that time can heal are waited out; rejects where it cannot go on. */
  start(onJoined: () => void): Promise<void>
  /** Ready to read, also when there is nothing to read. */
  readonly joined: boolean
  /** When it last showed a sign of life, on the monotonic clock in ms. */
  readonly aliveAt: number
  readonly state: SourceState
  /** As in `state`, for who asks with every record. */
  readonly waiting: number
  /** The record is done, downstream has it for certain. */
  settle(record: SourceRecord): void
  /** The record is left for whoever reads it next. */
  release(record: SourceRecord): void
  /** Nothing more is read or handed out; the iteration ends. @returns how many records that waited were left */
  beginDrain(): number
  /** Commits all that may be committed. @returns whether it went through */
  commit(): Promise<boolean>
  /** What will be read again. */
  readonly uncommitted: readonly Uncommitted[]
  /** Ends it, within `timeoutMs`. No commit after this. */
  leave(timeoutMs: number): Promise<void>
}

/** What a source holds at this moment. */
export interface SourceState {
  readonly joined: boolean
  /** Read, and nobody has begun to work on them. */
  readonly waiting: number
  /** Handed out and not finished. */
  readonly inFlight: number
  readonly bufferedBytes: number
  readonly partitions: readonly PartitionState[]
}
