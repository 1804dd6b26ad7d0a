/**
 * Kafka as this project needs it: the one interface behind which the Kafka client stands, so that another client can
 * take its place. Nothing outside this room knows kafkajs.
 */
import type { RecordHeaders } from '../delivery/delivery.js'
import type { PendingCommit } from '../delivery/committer.js'
import type { TopicPartition } from '../telemetry/telemetry.js'

export interface KafkaClient {
  /** A member of a consumer group; nothing happens before its `run`. */
  member(options: GroupMemberOptions): GroupMember
  producer(): RecordProducer
  admin(): KafkaAdmin
}

export interface GroupMemberOptions {
  readonly groupId: string
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly isolationLevel: 'readCommitted' | 'readUncommitted'
  /** The most bytes of one fetch, over all partitions; a single larger record still comes. */
  readonly fetchMaxBytes: number
  readonly handler: GroupHandler
}

/**
 * What a member tells its owner. The order of one membership:
 *
 *     joining → joined → fetched… → joining → joined → … → left
 *
 * Between `joining` and `joined` nothing is fetched and no commit is possible.
 */
export interface GroupHandler {
  /**
   * The group is about to be joined, again or for the first time. The join request is sent once this resolves: the place
   * for a small drain. Commits still count here. Signals of fetches that are pending were aborted before.
   */
  joining(): Promise<void>
  /**
   * The partitions that are ours from now on. `continued`: the same member as before, so that nobody else can have read
   * from the partitions that stayed. Runs before the first fetch; returns where to go on reading for each partition
   * whose position is known, the others start at the committed offset.
   */
  joined(assignment: readonly TopicPartition[], continued: boolean): readonly Position[]
  /**
   * Records of one partition, in offset order. The next fetch of this partition begins when the promise resolves, at the
   * position that it resolves to. Must end soon after `signal` is aborted.
   */
  fetched(batch: FetchedBatch, signal: AbortSignal): Promise<number>
  /** A fetch brought nothing but control or aborted records: reading goes on at `position`. */
  skipped(partition: TopicPartition, position: number): void
  /** The offset to read from does not exist (any more): reading goes on at the earliest one. */
  outOfRange(partition: TopicPartition): void
  /** The membership is over, by `leave` or by an error; nothing of what was assigned is ours any more. */
  left(error: Error | undefined): void
}

export interface Position extends TopicPartition {
  readonly offset: number
}

export interface FetchedBatch extends TopicPartition {
  /** At least one. */
  readonly messages: readonly FetchedMessage[]
  /** One past the last offset of this fetch; control and aborted records at its end included. */
  readonly endPosition: number
  /** One past the last offset of the partition that may be read: with `readCommitted`, before any open transaction. */
  readonly highWatermark: number
}

export interface FetchedMessage {
  /** 64 bits, in decimal. */
  readonly offset: string
  /** Milliseconds since 1970, in decimal. */
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** As the client decoded them: for `recordHeaders`. */
  readonly headers?: Readonly<Record<string, unknown>> | undefined
}

export interface GroupMember {
  /**
   * Joins and reads until `leave`. Waits for brokers and for topics that do not exist yet, for as long as it takes, one
   * log line per attempt; rejoins after every failure.
   *
   * @returns once `leave` was called, or never otherwise
   */
  run(topics: readonly string[]): Promise<void>
  /** Stops or resumes fetching of partitions; unknown ones are ignored. */
  pause(partitions: readonly TopicPartition[]): void
  resume(partitions: readonly TopicPartition[]): void
  /** False until something was fetched in this membership: before, kafkajs has no way to commit. */
  readonly canCommit: boolean
  /**
   * One commit, not repeated.
   *
   * @throws EnrichdError KAFKA_FENCED while the group is being joined or the membership is over; another code otherwise
   */
  commit(pending: readonly PendingCommit[]): Promise<void>
  /** Metadata of the group's commits, for partitions that have one. */
  committed(partitions: readonly TopicPartition[]): Promise<readonly CommittedMetadata[]>
  /** Where partitions of this membership begin or end, as their leaders have it now. Rejects where one of them does not answer. */
  offsets(partitions: readonly TopicPartition[], edge: PartitionEdge): Promise<readonly Position[]>
  /** Leaves the group, within `timeoutMs`; idempotent. */
  leave(timeoutMs: number): Promise<void>
  /** When the consumer last showed a sign of life, on the monotonic clock in ms. */
  readonly aliveAt: number
}

/** The first offset, or one past the last that may be read. */
export type PartitionEdge = 'earliest' | 'end'

export interface CommittedMetadata extends TopicPartition {
  readonly offset: number
  readonly metadata: string
}

export interface ProducedRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: RecordHeaders
}

export interface RecordProducer {
  /**
   * Writes records in order, acknowledged by all in-sync replicas.
   *
   * @throws EnrichdError KAFKA_RECORD_TOO_LARGE (record), KAFKA_MISCONFIGURED or KAFKA_UNAUTHORIZED (setting), else an outage
   */
  send(topic: string, records: readonly ProducedRecord[]): Promise<void>
  close(): Promise<void>
}

export interface KafkaAdmin {
  /** How many partitions each topic has that this user may see. */
  partitionCounts(): Promise<ReadonlyMap<string, number>>
  /** Partitions of one topic. @throws EnrichdError KAFKA_MISCONFIGURED where it does not exist */
  partitions(topic: string): Promise<number>
  /** Earliest and end offset of each partition. */
  offsets(topic: string): Promise<readonly PartitionOffsets[]>
  /** @returns false where it was there already */
  createTopic(topic: string, options: NewTopicOptions): Promise<boolean>
  /** The group's committed offset of each partition that has one. */
  committed(groupId: string, topics: readonly string[]): Promise<readonly CommittedMetadata[]>
  /** Sets the group's offsets, all at once. @throws EnrichdError KAFKA_GROUP_IN_USE (setting) where the group has members */
  setCommitted(groupId: string, positions: readonly Position[]): Promise<void>
  close(): Promise<void>
}

export interface NewTopicOptions {
  readonly partitions: number
  readonly replicationFactor: number
  /** Its settings, by Kafka's names. Default: those of the broker. */
  readonly config?: Readonly<Record<string, string>>
}

export interface PartitionOffsets {
  readonly partition: number
  readonly earliest: number
  readonly end: number
}
