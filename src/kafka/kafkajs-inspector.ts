import kafkajs from 'kafkajs'
import type { Admin, Kafka } from 'kafkajs'
import type { PendingCommit } from '../delivery/committer.js'
import { BrokerAccess, type WireBroker } from './broker-access.js'
import { classifyKafkaError } from './classify-kafka-error.js'
import type { CommittedMetadata, FetchedMessage } from './kafka-client.js'
import type {
  Fetched,
  FetchRequest,
  GroupDescription,
  GroupMemberDescription,
  KafkaInspector,
  TopicDescription,
} from './kafka-inspector.js'
import { FETCH_WAIT_MS } from './consumer-config.js'
import { kafkajsCommit } from './kafkajs-commit.js'

const READ_UNCOMMITTED = 0
/** No topic has a partition of this number. */
const NO_PARTITION = 2_147_483_647
const SIMPLE_GENERATION = -1
const UNKNOWN_GENERATION = 1

/** Everything through kafkajs' admin client where it can, else through single requests to single brokers. */
export class KafkajsInspector implements KafkaInspector {
  readonly #admin: Admin
  readonly #access: BrokerAccess
  #connected: Promise<void> | undefined

  constructor(kafka: Kafka) {
    this.#admin = kafka.admin({ retry: { retries: 1, initialRetryTime: 100 } })
    this.#access = new BrokerAccess(kafka)
  }

  async brokers(): Promise<readonly string[]> {
    const { brokers } = await this.#ask('asking who the brokers are', (admin) => admin.describeCluster())
    return brokers.map(({ host, port }) => `${host}:${port}`)
  }

  async topics(): Promise<readonly string[]> {
    return this.#ask('listing topics', (admin) => admin.listTopics())
  }

  async topic(name: string): Promise<TopicDescription | undefined> {
    try {
      const { topics } = await this.#ask(`looking at topic ${name}`, (admin) =>
        admin.fetchTopicMetadata({ topics: [name] }),
      )
      const partitions = topics[0]?.partitions ?? []
      return {
        partitions: partitions.map(({ partitionId }) => partitionId).sort((a, b) => a - b),
        replicas: Math.max(1, ...partitions.map(({ replicas }) => replicas.length)),
      }
    } catch (error) {
      if (typeOf(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return undefined
      throw error
    }
  }

  async topicConfig(
    name: string,
    settings: readonly string[],
  ): Promise<ReadonlyMap<string, string> | undefined> {
    const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name, configNames: [...settings] }
    try {
      const { resources } = await this.#ask(`asking for the settings of ${name}`, (admin) =>
        admin.describeConfigs({ includeSynonyms: false, resources: [resource] }),
      )
      const entries = resources[0]?.configEntries ?? []
      return new Map(entries.map(({ configName, configValue }) => [configName, configValue]))
    } catch (error) {
      if (/AUTHORIZATION_FAILED/.test(typeOf(error) ?? '')) return undefined
      throw error
    }
  }

  async tryRead(topic: string): Promise<void> {
    try {
      await this.fetch({ topic, partition: 0, offset: 0, maxBytes: 1 })
    } catch (error) {
      // What was at offset 0 may be gone; that we were told so shows that we may read.
      if (typeOf(error) !== 'OFFSET_OUT_OF_RANGE') throw error
    }
  }

  async tryWrite(topic: string): Promise<void> {
    const message = { key: null, value: Buffer.alloc(0), headers: {}, timestamp: '0' }
    const topicData = [{ topic, partitions: [{ partition: NO_PARTITION, messages: [message] }] }]
    try {
      await this.#send(`trying to write to ${topic}`, this.#leader(topic, 0), (broker) =>
        broker.produce({ acks: -1, timeout: 5000, topicData }),
      )
    } catch (error) {
      // The permission is looked at before the partition.
      if (typeOf(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error
    }
  }

  async tryGroup(groupId: string): Promise<void> {
    const heartbeat = { groupId, groupGenerationId: UNKNOWN_GENERATION, memberId: 'enrichd-check' }
    try {
      await this.#askCoordinator(`trying group ${groupId}`, groupId, (broker) => broker.heartbeat(heartbeat))
    } catch (error) {
      if (typeOf(error) !== 'UNKNOWN_MEMBER_ID') throw error
    }
  }

  async group(groupId: string): Promise<GroupDescription> {
    const doing = `looking at group ${groupId}`
    const { groups } = await this.#ask(doing, (admin) => admin.describeGroups([groupId]))
    // Without topics, those of all: kafkajs does not say so.
    const commits = await this.#ask(doing, (admin) => admin.fetchOffsets({ groupId }))
    const found = groups[0]
    return {
      state: found?.state ?? 'Dead',
      protocolType: found?.protocolType ?? '',
      members: (found?.members ?? []).map(describeMember),
      committedTopics: commits
        .filter(({ partitions }) => partitions.some(({ offset }) => Number(offset) >= 0))
        .map(({ topic }) => topic),
    }
  }

  async fetch({ topic, partition, offset, maxBytes }: FetchRequest): Promise<Fetched> {
    const partitions = [{ partition, fetchOffset: String(offset), maxBytes }]
    const answer = (await this.#send(`reading ${topic}`, this.#leader(topic, partition), (broker) =>
      broker.fetch({
        maxWaitTime: FETCH_WAIT_MS,
        minBytes: 1,
        maxBytes,
        isolationLevel: READ_UNCOMMITTED,
        topics: [{ topic, partitions }],
      }),
    )) as FetchAnswer
    return toFetched(answer.responses[0]?.partitions[0]?.messages ?? [], offset)
  }

  async committed(groupId: string, topics: readonly string[]): Promise<readonly CommittedMetadata[]> {
    if (topics.length === 0) return []
    const found = await this.#ask(`asking for the offsets of group ${groupId}`, (admin) =>
      admin.fetchOffsets({ groupId, topics: [...topics] }),
    )
    return found.flatMap(({ topic, partitions }) =>
      partitions
        .filter(({ offset }) => Number(offset) >= 0)
        .map(({ partition, offset, metadata }) => ({
          topic,
          partition,
          offset: Number(offset),
          metadata: metadata ?? '',
        })),
    )
  }

  async commit(groupId: string, pending: readonly PendingCommit[]): Promise<void> {
    const { topics } = kafkajsCommit(pending)
    await this.#askCoordinator(`committing for group ${groupId}`, groupId, (broker) =>
      broker.offsetCommit({ groupId, groupGenerationId: SIMPLE_GENERATION, memberId: '', topics }),
    )
  }

  async close(): Promise<void> {
    await this.#access.close()
    // Also after a failed question, which forgets `#connected`: its connections may be open.
    await this.#admin.disconnect()
  }

  async #leader(topic: string, partition: number): Promise<WireBroker> {
    const broker = await this.#access.leader(topic, partition)
    if (broker === undefined) throw new Error(`partition ${partition} has no leader`)
    return broker
  }

  async #ask<T>(doing: string, ask: (admin: Admin) => Promise<T>): Promise<T> {
    try {
      this.#connected ??= this.#admin.connect()
      await this.#connected
      return await ask(this.#admin)
    } catch (error) {
      this.#connected = undefined
      throw classifyKafkaError(error, doing)
    }
  }

  async #askCoordinator<T>(doing: string, groupId: string, ask: (broker: WireBroker) => Promise<T>) {
    try {
      return await this.#access.askCoordinator(groupId, ask)
    } catch (error) {
      throw classifyKafkaError(error, doing)
    }
  }

  async #send<T>(doing: string, broker: Promise<WireBroker>, send: (broker: WireBroker) => Promise<T>) {
    try {
      return await send(await broker)
    } catch (error) {
      if (staleLeader.has(typeOf(error) ?? '')) await this.#access.refresh().catch(() => undefined)
      throw classifyKafkaError(error, doing)
    }
  }
}

const staleLeader = new Set(['NOT_LEADER_FOR_PARTITION', 'LEADER_NOT_AVAILABLE', 'FENCED_LEADER_EPOCH'])

/** Kafka's own name of an error, wherever in its chain of causes it stands. */
export function typeOf(error: unknown): string | undefined {
  for (let each = error, depth = 0; each instanceof Error && depth < 8; depth++) {
    const { type, cause, originalError, errors } = each as Error & Wire
    if (typeof type === 'string') return type
    each = cause ?? originalError ?? errors?.[0]
  }
  return undefined
}

/** What kafkajs' errors may have. */
interface Wire {
  readonly type?: unknown
  readonly originalError?: unknown
  readonly errors?: readonly unknown[]
}

interface FetchAnswer {
  readonly responses: readonly {
    readonly partitions: readonly { readonly messages: readonly WireMessage[] }[]
  }[]
}

type WireMessage = FetchedMessage & {
  readonly isControlRecord?: boolean
  readonly batchContext?: { readonly firstOffset: string; readonly lastOffsetDelta: number }
}

function toFetched(all: readonly WireMessage[], offset: number): Fetched {
  let position = offset
  for (const { offset: at, batchContext } of all) {
    // A batch whose last records were compacted away still ends where it ended.
    const end =
      batchContext === undefined
        ? Number(at)
        : Number(batchContext.firstOffset) + batchContext.lastOffsetDelta
    position = Math.max(position, end + 1)
  }
  const messages = all.filter(
    (message) => Number(message.offset) >= offset && message.isControlRecord !== true,
  )
  return { messages, position }
}

type KafkajsMemberDescription = Awaited<
  ReturnType<Admin['describeGroups']>
>['groups'][number]['members'][number]

function describeMember({
  clientId,
  clientHost,
  memberMetadata,
}: KafkajsMemberDescription): GroupMemberDescription {
  return { clientId, host: clientHost.replace(/^\//, ''), topics: subscribed(memberMetadata) }
}

function subscribed(metadata: Buffer): readonly string[] {
  try {
    return kafkajs.AssignerProtocol.MemberMetadata.decode(metadata)?.topics ?? []
  } catch {
    return []
  }
}
