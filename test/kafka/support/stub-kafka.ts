import { createRequire } from 'node:module'
import type { ConsumerConfig, Kafka } from 'kafkajs'
import type * as Kafkajs from 'kafkajs'
import type { TopicPartition } from '../../../src/telemetry/telemetry.js'

const internals = createRequire(import.meta.url)
const kafkajs = internals('kafkajs') as Pick<typeof Kafkajs, 'AssignerProtocol'>
const createConsumer = internals('kafkajs/src/consumer') as (config: object) => unknown
const { KafkaJSProtocolError } = internals('kafkajs/src/errors') as {
  KafkaJSProtocolError: new (error: object) => Error
}
const { errorCodes } = internals('kafkajs/src/protocol/error') as { errorCodes: { type: string }[] }

/** What a broker answers with its error code, as kafkajs throws it. */
export function protocolError(type: string): Error {
  const code = errorCodes.find((each) => each.type === type)
  if (code === undefined) throw new Error(`kafkajs knows no error ${type}`)
  return new KafkaJSProtocolError(code)
}

export interface FetchedPartition extends TopicPartition {
  readonly offset: number
}

/** Two brokers, of which the first is the coordinator. One topic, `t`, with two partitions. */
export interface StubBrokers {
  /** The broker that leads a partition. Default: 1 leads partition 0, and 2 partition 1. */
  readonly leader?: (partition: number) => 1 | 2
  /** The ids of those that are up. Default: both. */
  readonly nodes?: () => readonly string[]
  /** Resolves to the member's id. */
  readonly join: (memberId: string) => Promise<string>
  /** Default: every member may leave. */
  readonly leave?: (memberId: string) => Promise<void>
  /** Resolves to how many records are at the offset of the partition: 0 or 1. */
  readonly fetch: (wanted: FetchedPartition) => Promise<number>
  /** Of both partitions, whose high watermark is 1000. */
  readonly lastStableOffset?: string
  /** How long closing the connections takes, in ms. */
  readonly disconnectMs?: number
}

interface FetchRequest {
  readonly topics: { topic: string; partitions: { partition: number; fetchOffset: string }[] }[]
}

interface OffsetCommitRequest {
  readonly topics: { topic: string; partitions: { partition: number; offset: string }[] }[]
}

/**
 * kafkajs' own consumer over brokers that are none: what they answer, and when, is up to the test. For races between its
 * fetchers, joins and crashes, which real brokers cannot be made to lose.
 */
export class StubKafka {
  /** By partition of `t`. */
  readonly committed = [0, 0]
  readonly #stub: StubBrokers
  #generation = 0

  constructor(stub: StubBrokers) {
    this.#stub = stub
  }

  kafka(): Kafka {
    const logger = { namespace: () => logger, info() {}, debug() {}, warn() {}, error() {} }
    const consumer = ({ readUncommitted, ...config }: ConsumerConfig) => {
      const isolationLevel = readUncommitted === true ? 0 : 1
      return createConsumer({ ...config, isolationLevel, cluster: this.#cluster(), logger })
    }
    return { consumer } as unknown as Kafka
  }

  #cluster(): object {
    const brokers = [this.#broker(), this.#broker()]
    const nothing = () => Promise.resolve()
    return {
      targetTopics: new Set<string>(),
      committedOffsets: () => this.#known,
      defaultOffset: () => '-2',
      isConnected: () => true,
      removeBroker: () => undefined,
      getNodeIds: () => this.#stub.nodes?.() ?? ['1', '2'],
      connect: nothing,
      disconnect: () => new Promise((resolve) => setTimeout(resolve, this.#stub.disconnectMs ?? 0)),
      refreshMetadata: nothing,
      refreshMetadataIfNecessary: nothing,
      addMultipleTargetTopics: nothing,
      findGroupCoordinator: () => Promise.resolve(brokers[0]),
      findBroker: ({ nodeId }: { nodeId: string }) => Promise.resolve(brokers[Number(nodeId) - 1]),
      findTopicPartitionMetadata: () =>
        [0, 1].map((partitionId) => ({
          partitionId,
          leader: this.#stub.leader?.(partitionId) ?? partitionId + 1,
        })),
      findControllerBroker: () => Promise.reject(new Error('there is none')),
    }
  }

  readonly #known = {}

  #broker(): object {
    return {
      isConnected: () => true,
      fetch: (request: FetchRequest) => this.#fetch(request),
      joinGroup: async ({ memberId }: { memberId: string }) => {
        const joined = await this.#stub.join(memberId)
        const generationId = ++this.#generation
        return { generationId, leaderId: 'another', memberId: joined, members: [], groupProtocol: '' }
      },
      syncGroup: () => {
        const assignment = { version: 1, assignment: { t: [0, 1] }, userData: Buffer.alloc(0) }
        const memberAssignment = kafkajs.AssignerProtocol.MemberAssignment.encode(assignment)
        return Promise.resolve({ memberAssignment })
      },
      heartbeat: () => Promise.resolve(),
      leaveGroup: async ({ memberId }: { memberId: string }) => this.#stub.leave?.(memberId),
      describeGroups: () => Promise.resolve({ groups: [] }),
      offsetFetch: () => {
        const partitions = this.committed.map((offset, partition) => ({ partition, offset: String(offset) }))
        return Promise.resolve({ responses: [{ topic: 't', partitions }] })
      },
      offsetCommit: ({ topics }: OffsetCommitRequest) => {
        for (const { partitions } of topics)
          for (const { partition, offset } of partitions) this.committed[partition] = Number(offset)
        return Promise.resolve()
      },
    }
  }

  async #fetch({ topics }: FetchRequest): Promise<object> {
    const responses = topics.map(async ({ topic, partitions }) => ({
      topicName: topic,
      partitions: await Promise.all(
        partitions.map(async ({ partition, fetchOffset }) => {
          const count = await this.#stub.fetch({ topic, partition, offset: Number(fetchOffset) })
          const message = {
            offset: fetchOffset,
            timestamp: '1',
            key: null,
            value: Buffer.from('x'),
            headers: {},
          }
          const messages = count > 0 ? [message] : []
          return {
            partition,
            errorCode: 0,
            highWatermark: '1000',
            ...(this.#stub.lastStableOffset !== undefined && {
              lastStableOffset: this.#stub.lastStableOffset,
            }),
            abortedTransactions: [],
            messages,
          }
        }),
      ),
    }))
    return { responses: await Promise.all(responses) }
  }
}
