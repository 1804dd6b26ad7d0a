import type { Admin, Kafka } from 'kafkajs'
import { EnrichdError } from '../errors.js'
import { classifyKafkaError } from './classify-kafka-error.js'
import { commitWithoutGroup } from './commit-without-group.js'
import type {
  CommittedMetadata,
  KafkaAdmin,
  NewTopicOptions,
  PartitionOffsets,
  Position,
} from './kafka-client.js'

/** kafkajs' admin client; connects with the first call, and again after a failed one. */
export class KafkajsAdmin implements KafkaAdmin {
  readonly #kafka: () => Kafka
  readonly #admin: Admin
  #connected: Promise<void> | undefined

  constructor(kafka: () => Kafka) {
    this.#kafka = kafka
    this.#admin = kafka().admin({ retry: { retries: 1, initialRetryTime: 100 } })
  }

  async partitionCounts(): Promise<ReadonlyMap<string, number>> {
    const { topics } = await this.#do('listing topics', () => this.#admin.fetchTopicMetadata())
    return new Map(topics.map(({ name, partitions }) => [name, partitions.length]))
  }

  async partitions(topic: string): Promise<number> {
    const { topics } = await this.#do(`looking at topic ${topic}`, () =>
      this.#admin.fetchTopicMetadata({ topics: [topic] }),
    )
    return topics[0]?.partitions.length ?? 0
  }

  async offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    const found = await this.#do(`asking for the offsets of ${topic}`, () =>
      this.#admin.fetchTopicOffsets(topic),
    )
    return found.map(({ partition, low, high }) => ({ partition, earliest: Number(low), end: Number(high) }))
  }

  async createTopic(topic: string, options: NewTopicOptions): Promise<boolean> {
    const { partitions: numPartitions, replicationFactor, config = {} } = options
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
    return this.#do(`creating topic ${topic}`, () =>
      this.#admin.createTopics({
        topics: [{ topic, numPartitions, replicationFactor, configEntries }],
        waitForLeaders: true,
      }),
    )
  }

  async committed(groupId: string, topics: readonly string[]): Promise<readonly CommittedMetadata[]> {
    const found = await this.#do(`asking for the offsets of group ${groupId}`, () =>
      this.#admin.fetchOffsets({ groupId, topics: [...topics] }),
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

  async setCommitted(groupId: string, positions: readonly Position[]): Promise<void> {
    try {
      await commitWithoutGroup(this.#kafka(), groupId, positions)
    } catch (error) {
      const doing = `setting the offsets of group ${groupId}`
      const failure = classifyKafkaError(error, doing)
      if (failure.code !== 'KAFKA_FENCED') throw failure
      throw new EnrichdError('KAFKA_GROUP_IN_USE', `Kafka, ${doing}: the group has members`, {
        kind: 'setting',
        cause: error,
      })
    }
  }

  async close(): Promise<void> {
    // Also after a failed call, which forgets `#connected`: its connections may be open.
    await this.#admin.disconnect()
  }

  async #do<T>(doing: string, call: () => Promise<T>): Promise<T> {
    try {
      this.#connected ??= this.#admin.connect()
      await this.#connected
      return await call()
    } catch (error) {
      this.#connected = undefined
      throw classifyKafkaError(error, doing)
    }
  }
}
