import type { PendingCommit } from '../delivery/committer.js'
import type { TopicPartition } from '../telemetry/telemetry.js'
import type { CommittedMetadata, FetchedMessage } from './kafka-client.js'

/**
 * Kafka from outside any group: what `check`, `setup` and `replay` ask of it. Nothing here changes anything but `commit`.
 *
 * Every method throws EnrichdError: KAFKA_UNAUTHORIZED or KAFKA_MISCONFIGURED (setting), else an outage.
 */
export interface KafkaInspector {
  /** `host:port` of every broker, as they advertise themselves. The first answer that needs the login. */
  brokers(): Promise<readonly string[]>
  /** Names of all topics that this user may see. */
  topics(): Promise<readonly string[]>
  /** Undefined where there is none, or this user may not see it. */
  topic(name: string): Promise<TopicDescription | undefined>
  /** Settings of a topic by name; undefined where this user may not ask. */
  topicConfig(name: string, settings: readonly string[]): Promise<ReadonlyMap<string, string> | undefined>
  /** Tries whether this user may read the topic. Reads at most one small fetch, in no group. */
  tryRead(topic: string): Promise<void>
  /** Tries whether this user may write to the topic, by writing to a partition that no topic has. Writes nothing. */
  tryWrite(topic: string): Promise<void>
  /** Tries whether this user may be a member of the group, by a heartbeat of a member that nobody knows. */
  tryGroup(groupId: string): Promise<void>
  group(groupId: string): Promise<GroupDescription>
  /** One fetch of one partition, in no group; aborted transactions are not left out. */
  fetch(request: FetchRequest): Promise<Fetched>
  /** The group's commits of these topics. */
  committed(groupId: string, topics: readonly string[]): Promise<readonly CommittedMetadata[]>
  /** Commits for a group that has no members. */
  commit(groupId: string, pending: readonly PendingCommit[]): Promise<void>
  close(): Promise<void>
}

export interface TopicDescription {
  readonly partitions: readonly number[]
  /** Copies of each partition: the most that one has. */
  readonly replicas: number
}

export interface GroupDescription {
  /** `Stable`, `Empty`, `Dead` (there is none), … */
  readonly state: string
  /** `consumer` for groups that read topics; '' where there is no group. */
  readonly protocolType: string
  readonly members: readonly GroupMemberDescription[]
  /** Topics that the group has committed offsets of. */
  readonly committedTopics: readonly string[]
}

export interface GroupMemberDescription {
  readonly clientId: string
  readonly host: string
  /** What it subscribed to; empty where that cannot be read. */
  readonly topics: readonly string[]
}

export interface FetchRequest extends TopicPartition {
  /** Records before it are not returned. */
  readonly offset: number
  /** A single larger batch of records still comes. */
  readonly maxBytes: number
}

export interface Fetched {
  /** In offset order. */
  readonly messages: readonly FetchedMessage[]
  /** Where the next fetch goes on; it is past `offset` unless nothing came. */
  readonly position: number
}
