import type { PendingCommit } from '../delivery/committer.js'
import type { SourceRecord } from '../delivery/delivery.js'
import { PartitionLedger } from '../delivery/partition-ledger.js'
import { encodeSettledRanges, type OffsetRange } from '../delivery/settled-ranges.js'
import type { FetchedMessage, Position } from '../kafka/kafka-client.js'
import { recordHeaders } from '../kafka/record-headers.js'
import type { TopicPartition } from '../telemetry/telemetry.js'
import { chargedBytes } from '../delivery/charged-bytes.js'

export interface PartitionState extends TopicPartition {
  readonly committed: number | undefined
  /** Where reading goes on. */
  readonly position: number | undefined
  readonly highWatermark: number | undefined
  readonly unsettled: number
  /** Not fetched: too many unsettled records. */
  readonly paused: boolean
}

/** Offsets [from, to) of a partition that the next owner will read again. */
export interface Uncommitted extends TopicPartition {
  readonly from: number
  readonly to: number
}

/** What Kafka takes as the metadata of one commit by default. */
const MAX_METADATA_BYTES = 4096

/** One partition while it is ours: its ledger, its lease, and what was committed. */
export class OwnedPartition implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly ledger = new PartitionLedger()
  readonly #ended = new AbortController()
  /** Aborted once the partition is ours no more. */
  readonly lease: AbortSignal = this.#ended.signal
  #committed: number | undefined
  #committedMetadata = ''
  #settledBefore: readonly OffsetRange[] = []
  #begin: number | undefined
  #end: number | undefined
  #endToldMs = -Infinity
  /** Its fetching is paused: too many unsettled records. */
  paused = false
  /** What was fetched of it is being handed over. */
  handing = false
  /** Resolves once it is known where the owner before us ended. */
  ready: Promise<void> = Promise.resolve()

  constructor({ topic, partition }: TopicPartition) {
    this.topic = topic
    this.partition = partition
  }

  end(): void {
    this.#ended.abort()
  }

  get committed(): number | undefined {
    return this.#committed
  }

  /** The owner before us committed `committed`, and had settled these offsets beyond it. */
  resumeFrom(committed: number, settled: readonly OffsetRange[]): void {
    this.#committed = committed
    this.#settledBefore = settled
  }

  /** Its first offset. To be known only where nothing was read or committed yet: nobody else knows then where reading begins. */
  beginsAt(offset: number): void {
    this.#begin = offset
  }

  /** One past its last offset, at `nowMs`. */
  endsAt(offset: number, nowMs: number): void {
    this.#end = offset
    this.#endToldMs = nowMs
  }

  /** When its end was told the last time; -Infinity for never. */
  get endToldMs(): number {
    return this.#endToldMs
  }

  /** There are records of it in Kafka that nobody is handing over, though nothing is against it. */
  get waits(): boolean {
    return !this.handing && !this.paused && (this.#end ?? 0) > (this.position ?? Infinity)
  }

  /** Where reading goes on, as far as is known. */
  get position(): number | undefined {
    return this.ledger.position ?? this.#committed ?? this.#begin
  }

  /** Handed over before, in this lease: a fetch that went back must not bring it twice. */
  hasSeen(offset: number): boolean {
    return offset < (this.ledger.position ?? 0)
  }

  /** Settled by the owner before us. Asked in ascending order of offsets. */
  wasSettled(offset: number): boolean {
    if (this.#settledBefore.length === 0) return false
    while ((this.#settledBefore[0]?.[1] ?? Infinity) <= offset)
      this.#settledBefore = this.#settledBefore.slice(1)
    const [from] = this.#settledBefore[0] ?? [Infinity]
    return from <= offset
  }

  /** Everything settled from `committed` on, ascending: what a successor need not read. */
  settledBeyond(committed: number): readonly OffsetRange[] {
    const { committable = committed } = this.ledger
    const beyond = [...this.ledger.settledBeyond(), ...this.#settledAhead]
    return committable > committed ? [[committed, committable], ...beyond] : beyond
  }

  /** Settled by the owner before us, and not read yet. */
  get #settledAhead(): readonly OffsetRange[] {
    const { position = 0 } = this.ledger
    return this.#settledBefore
      .filter(([, to]) => to > position)
      .map(([from, to]) => [Math.max(from, position), to])
  }

  /** What may be committed now, where that is not committed yet: nothing, or one commit. */
  pendingCommit(): readonly PendingCommit[] {
    const { topic, partition, ledger } = this
    const offset = ledger.committable
    if (offset === undefined) return []
    const beyond = ledger.span === ledger.unsettled ? [] : ledger.settledBeyond()
    const ranges = this.#settledBefore.length === 0 ? beyond : [...beyond, ...this.#settledAhead]
    const metadata = encodeSettledRanges(offset, ranges, MAX_METADATA_BYTES)
    if (offset === this.#committed && metadata === this.#committedMetadata) return []
    return [{ topic, partition, offset, metadata }]
  }

  noteCommitted({ offset, metadata }: PendingCommit): void {
    this.#committed = offset
    this.#committedMetadata = metadata
  }

  /** Where reading goes on, as nothing or one position. */
  get readFrom(): readonly Position[] {
    const { topic, partition } = this
    const { position } = this.ledger
    return position === undefined ? [] : [{ topic, partition, offset: position }]
  }

  get uncommitted(): readonly Uncommitted[] {
    const { topic, partition, ledger } = this
    const to = ledger.position
    const from = this.#committed ?? ledger.committable
    return to === undefined || from === undefined || from >= to ? [] : [{ topic, partition, from, to }]
  }

  get state(): PartitionState {
    const { topic, partition, committed, position, paused } = this
    return {
      topic,
      partition,
      committed,
      position,
      highWatermark: this.#end,
      unsettled: this.ledger.unsettled,
      paused,
    }
  }
}

/** @throws RangeError for an offset beyond 2^53 - 1, which no real partition reaches */
export function toSourceRecord(owned: OwnedPartition, message: FetchedMessage): SourceRecord {
  const { topic, partition, lease } = owned
  const offset = Number(message.offset)
  if (!Number.isSafeInteger(offset))
    throw new RangeError(`offset ${message.offset} of ${topic}-${partition} is beyond 2^53 - 1`)
  // Copies: the client's buffers are slices of a whole fetch, which one stuck record would keep in memory.
  const key = message.key === null ? null : Buffer.from(message.key)
  const value = message.value === null ? null : Buffer.from(message.value)
  const headers = recordHeaders(message.headers)
  return {
    id: `${topic}-${partition}-${message.offset}-${message.timestamp}`,
    topic,
    partition,
    offset,
    timestampMs: Number(message.timestamp),
    key,
    value,
    headers,
    bytes: chargedBytes((key?.length ?? 0) + (value?.length ?? 0) + headerBytes(headers)),
    origin: 'kafka',
    lease,
  }
}

function headerBytes(headers: SourceRecord['headers']): number {
  let bytes = 0
  for (const name in headers) {
    const value = headers[name]
    for (const each of Array.isArray(value)
      ? (value as (Buffer | string)[])
      : [value as Buffer | string | undefined]) {
      bytes += name.length + (each?.length ?? 0)
    }
  }
  return bytes
}
