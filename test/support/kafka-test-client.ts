import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CompressionTypes,
  Kafka,
  logLevel,
  Partitioners,
  type Admin,
  type Consumer,
  type ITopicMetadata,
  type KafkaMessage,
  type Message,
  type Producer,
} from 'kafkajs'
import { until } from './until.js'

export type ConsumedRecord = KafkaMessage & { readonly partition: number }

/** A name that no other test uses. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomUUID().slice(0, 8)}`
}

/**
 * Kafka as tests see it: topics, records, committed offsets. It connects when first used; `close()` ends it.
 *
 * @example
 * const kafka = new KafkaTestClient(stack.kafka)
 * const topic = await kafka.createTopic({ partitions: 3 })
 * await kafka.produce(topic, [{ value: 'disk full' }])
 */
export class KafkaTestClient {
  readonly #kafka: Kafka
  #admin: Promise<Admin> | undefined
  #producer: Promise<Producer> | undefined

  constructor(brokers: string[]) {
    // Long enough for a leader change: brokers that were killed are given up after 5 s.
    const retry = { retries: 30, initialRetryTime: 100, maxRetryTime: 1000 }
    this.#kafka = new Kafka({ clientId: 'test', brokers, logLevel: logLevel.NOTHING, retry })
  }

  /**
   * Makes a topic and returns its name. The broker re-compresses what it stores with `config` `compression.type`
   * (`gzip`, `snappy`, `lz4`, `zstd`), by Kafka's own codecs.
   */
  async createTopic(options: TopicOptions = {}): Promise<string> {
    const { topic = uniqueName('topic'), partitions = 1, replicas = 1, config = {} } = options
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
    const planned = { topic, numPartitions: partitions, replicationFactor: replicas, configEntries }
    const admin = await this.admin()
    await admin.createTopics({ topics: [planned], waitForLeaders: false })
    // kafkajs's own waiting gives up when it asks a broker that has not heard of the topic yet.
    await this.#partitions(topic)
    return topic
  }

  /** The topic's partitions, once each has a leader; a broker may not have heard of the topic yet, or just be gone. */
  async #partitions(topic: string, timeoutMs = 20_000): Promise<ITopicMetadata['partitions']> {
    const deadline = performance.now() + timeoutMs
    const admin = await this.admin()
    for (;;) {
      const metadata = await admin.fetchTopicMetadata({ topics: [topic] }).catch(() => undefined)
      const partitions = metadata?.topics[0]?.partitions ?? []
      if (partitions.length > 0 && partitions.every(({ leader }) => leader >= 0)) return partitions
      if (performance.now() > deadline)
        throw new Error(`Topic ${topic} has no leaders after ${timeoutMs} ms.`)
      await sleep(50)
    }
  }

  /** kafkajs's producer silently drops what goes to a partition that it has not heard of, so it is made anew. */
  async addPartitions(topic: string, count: number): Promise<void> {
    await (await this.admin()).createPartitions({ topicPartitions: [{ topic, count }] })
    await until('the partitions are there', async () => (await this.#partitions(topic)).length === count)
    await (await this.#producer)?.disconnect()
    this.#producer = undefined
  }

  /** Deletes a topic. kafkajs's clients go on asking for every topic that they ever saw, so they are made anew. */
  async deleteTopic(topic: string): Promise<void> {
    await (await this.admin()).deleteTopics({ topics: [topic] })
    await this.close()
    this.#admin = undefined
    this.#producer = undefined
  }

  /** Moves all of a topic to one broker, which is its only one and leads it from then on. */
  async moveTo(topic: string, broker: number): Promise<void> {
    const partitions = await this.#partitions(topic)
    const partitionAssignment = partitions.map(({ partitionId }) => ({
      partition: partitionId,
      replicas: [broker],
    }))
    await (await this.admin()).alterPartitionReassignments({ topics: [{ topic, partitionAssignment }] })
    await until(`broker ${broker} leads ${topic}`, async () =>
      (await this.#partitions(topic)).every(({ leader }) => leader === broker),
    )
  }

  async topics(): Promise<string[]> {
    return (await this.admin()).listTopics()
  }

  /**
   * Produces, acknowledged by all replicas, in order within each partition.
   *
   * One partition at a request: when a leader changes while kafkajs sends to several, it forgets the records whose new
   * leader has already answered for others, and reports success.
   */
  async produce(topic: string, records: readonly Message[], options: ProduceOptions = {}): Promise<void> {
    const { gzip = false, transaction } = options
    const compression = gzip ? CompressionTypes.GZIP : CompressionTypes.None
    const batches = await this.#byPartition(topic, records)
    if (transaction) return this.#produceInTransaction({ topic, batches, end: transaction })
    const producer = await (this.#producer ??= this.#connectedProducer())
    const produceInOrder = async (messages: Message[]) => {
      for (let at = 0; at < messages.length; at += 1000) {
        await producer.send({ topic, compression, acks: -1, messages: messages.slice(at, at + 1000) })
      }
    }
    await Promise.all(batches.map(produceInOrder))
  }

  async #byPartition(topic: string, records: readonly Message[]): Promise<Message[][]> {
    const partitionMetadata = await this.#partitions(topic)
    const choose = Partitioners.DefaultPartitioner()
    const batches = new Map<number, Message[]>()
    for (const message of records) {
      const partition = choose({ topic, partitionMetadata, message })
      const batch = batches.get(partition) ?? []
      batch.push({ ...message, partition })
      batches.set(partition, batch)
    }
    return [...batches.values()]
  }

  async #produceInTransaction({ topic, batches, end }: TransactionalWrite): Promise<void> {
    const producer = await this.#connectedProducer({
      transactionalId: uniqueName('transaction'),
      idempotent: true,
      maxInFlightRequests: 1,
    })
    try {
      const transaction = await producer.transaction()
      for (const messages of batches) await transaction.send({ topic, messages })
      await transaction[end]()
    } finally {
      await producer.disconnect()
    }
  }

  async #connectedProducer(options: Parameters<Kafka['producer']>[0] = {}): Promise<Producer> {
    const producer = this.#kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
      ...options,
    })
    await producer.connect()
    return producer
  }

  /** The group's committed offset of each partition, by partition; -1 where it has none. */
  async committedOffsets(groupId: string, topic: string): Promise<number[]> {
    const [fetched] = await (await this.admin()).fetchOffsets({ groupId, topics: [topic] })
    return byPartition(fetched?.partitions ?? [])
  }

  /** Sets the committed offset of each partition, by partition; the group must have no members. */
  async commitOffsets(groupId: string, topic: string, offsets: readonly number[]): Promise<void> {
    const partitions = offsets.map((offset, partition) => ({ partition, offset: String(offset) }))
    await (await this.admin()).setOffsets({ groupId, topic, partitions })
  }

  /** How many members the group has. */
  async members(groupId: string): Promise<number> {
    const { groups } = await (await this.admin()).describeGroups([groupId])
    return groups[0]?.members.length ?? 0
  }

  /** The offset after the last record of each partition that is readable (not in an open transaction), by partition. */
  async endOffsets(topic: string): Promise<number[]> {
    return byPartition(await this.#offsets(topic))
  }

  /** kafkajs takes an answer apart that it does not have while the topic's leaders move: that is asked again. */
  async #offsets(topic: string): ReturnType<Admin['fetchTopicOffsets']> {
    const deadline = performance.now() + 10_000
    for (;;) {
      try {
        return await (await this.admin()).fetchTopicOffsets(topic)
      } catch (error) {
        if (!(error instanceof TypeError) || performance.now() > deadline) throw error
        await sleep(100)
      }
    }
  }

  /**
   * Every record that the topic holds now, ordered within each partition. Not for topics that end in transaction markers
   * or were compacted at their end.
   *
   * @throws Error if they have not all come within `timeoutMs` (default 20 s)
   */
  async consumeAll(topic: string, timeoutMs = 20_000): Promise<ConsumedRecord[]> {
    const offsets = await this.#offsets(topic)
    const missing = new Map(
      offsets
        .filter(({ low, high }) => Number(high) > Number(low))
        .map((one) => [one.partition, Number(one.high)]),
    )
    if (missing.size === 0) return []
    const consumer = this.#kafka.consumer({
      groupId: uniqueName('read'),
      maxWaitTimeInMs: 100,
      allowAutoTopicCreation: false,
    })
    try {
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      return await readUntilNothingIsMissing(consumer, missing, timeoutMs)
    } finally {
      await consumer.disconnect()
    }
  }

  /** kafkajs's own admin client, for what is not here. */
  admin(): Promise<Admin> {
    this.#admin ??= (async () => {
      const admin = this.#kafka.admin()
      await admin.connect()
      return admin
    })()
    return this.#admin
  }

  async close(): Promise<void> {
    await Promise.all([this.#admin, this.#producer].map(async (client) => (await client)?.disconnect()))
  }
}

export interface TopicOptions {
  /** Default: a unique name. */
  readonly topic?: string
  /** Default 1. */
  readonly partitions?: number
  /** Default 1. */
  readonly replicas?: number
  readonly config?: Readonly<Record<string, string>>
}

export interface ProduceOptions {
  readonly gzip?: boolean
  /** Writes the records within one transaction, and how it ends. */
  readonly transaction?: 'commit' | 'abort'
}

interface TransactionalWrite {
  readonly topic: string
  /** One for each partition. */
  readonly batches: readonly Message[][]
  readonly end: 'commit' | 'abort'
}

function byPartition(offsets: readonly { partition: number; offset: string }[]): number[] {
  return offsets.toSorted((a, b) => a.partition - b.partition).map(({ offset }) => Number(offset))
}

/** `missing`: by partition, the offset that ends it. */
async function readUntilNothingIsMissing(
  consumer: Consumer,
  missing: Map<number, number>,
  timeoutMs: number,
): Promise<ConsumedRecord[]> {
  const records: ConsumedRecord[] = []
  const { promise, resolve, reject } = deferred()
  const timer = setTimeout(() => {
    const story = [...missing].map(([partition, end]) => `${partition} up to ${end}`).join(', ')
    reject(new Error(`After ${timeoutMs} ms still missing of the partitions: ${story}`))
  }, timeoutMs)
  try {
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        for (const message of batch.messages) records.push({ ...message, partition: batch.partition })
        const end = missing.get(batch.partition)
        const last = batch.messages.at(-1)
        if (last && end !== undefined && Number(last.offset) + 1 >= end) missing.delete(batch.partition)
        if (missing.size === 0) resolve()
      },
    })
    await promise
    return records
  } finally {
    clearTimeout(timer)
  }
}

function deferred() {
  let resolve!: () => void
  let reject!: (error: Error) => void
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}
