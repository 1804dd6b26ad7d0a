/**
 * One record as the source read it. It never changes on its way.
 */
export interface SourceRecord {
  /** Deterministic, the same on every redelivery: the document's `_id`. */
  readonly id: string
  /** Kafka's topic; the path for a file; `stdin`. */
  readonly topic: string
  /** Kafka's partition; 0 for a file. */
  readonly partition: number
  /** Kafka's offset, or the line's number. Kafka's are 64 bit; those above 2^53 - 1 are refused by the source. */
  readonly offset: number
  /** Kafka's timestamp of the record, in ms; for a file the file's time. */
  readonly timestampMs: number
  readonly key: Buffer | null
  /** `null` is a tombstone. */
  readonly value: Buffer | null
  readonly headers: RecordHeaders
  /** What it counts for in the bounds on memory: key, value, headers; three times that where it is large. */
  readonly bytes: number
  /** `kafka` records say where they came from under `kafka` in the document, others under `file`. */
  readonly origin: 'kafka' | 'file'
  /** Set where the source had to cut `value` to its own bound: the bytes that were there in all. */
  readonly cutFromBytes?: number
  /**
   * Aborted once the record is no longer ours (its partition moved, or was reset). Whoever is about to begin work
   * for the record checks it first and, if aborted, hands the record on as released.
   */
  readonly lease: AbortSignal
}

export type RecordHeaders = Readonly<
  Record<string, Buffer | string | readonly (Buffer | string)[] | undefined>
>

/** Why a record became a dead letter. Fixed by the contract: header `enrichd-reason`. */
export const rejectionReasons = [
  'undecodable',
  'no-message',
  'tombstone',
  'stage-failed',
  'nlp-rejected',
  'nlp-failed',
  'document-rejected',
  'document-too-large',
] as const
export type RejectionReason = (typeof rejectionReasons)[number]

/**
 * A record on its way, and at its end how it ended.
 *
 * in-flight → indexed | rejected (a dead letter) | dropped (by a policy that the user chose) | released
 *
 * A stage works on what is `in-flight` and hands everything else on untouched and without delay. Released means: not
 * settled, not committed, left in the source for whoever reads it next.
 */
export type Delivery<T> = InFlight<T> | Finished
export type Finished = Indexed | Rejected | Dropped | Released

export interface InFlight<T> {
  readonly status: 'in-flight'
  readonly record: SourceRecord
  /** What the record is at this stage. */
  readonly value: T
}

export interface Indexed {
  readonly status: 'indexed'
  readonly record: SourceRecord
  readonly receipt: Receipt
}

export interface Rejected {
  readonly status: 'rejected'
  readonly record: SourceRecord
  readonly reason: RejectionReason
  /** The stage that rejected it: `decode`, `stages`, `enrich`, `index`. */
  readonly stage: string
  readonly error: Error
  /** Attempts that counted, 1 or more; 0 where nothing was attempted. */
  readonly attempts: number
}

export interface Dropped {
  readonly status: 'dropped'
  readonly record: SourceRecord
  /** The setting that dropped it, for example `decode.onTombstone`. */
  readonly policy: string
}

export interface Released {
  readonly status: 'released'
  readonly record: SourceRecord
}

/** What became of a document. */
export interface Receipt {
  readonly index: string
  readonly id: string
  /** `exists`: a `create` found the document there already, from an earlier delivery. */
  readonly outcome: 'indexed' | 'exists'
}

/** The same record with what it is after a stage. */
export function advance<T>(delivery: InFlight<unknown>, value: T): InFlight<T> {
  return { status: 'in-flight', record: delivery.record, value }
}

/** The record ends as a dead letter. */
export function reject(record: SourceRecord, rejection: Omit<Rejected, 'status' | 'record'>): Rejected {
  return { status: 'rejected', record, ...rejection }
}

/** The record is left for whoever reads it next. */
export function release(record: SourceRecord): Released {
  return { status: 'released', record }
}
