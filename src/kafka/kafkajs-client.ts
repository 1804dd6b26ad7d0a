import kafkajs from 'kafkajs'
import type { KafkaConfig, SASLOptions } from 'kafkajs'
import type { ConnectionOptions } from 'node:tls'
import type { EnrichdError } from '../errors.js'
import type { TopicPartition } from '../telemetry/telemetry.js'
import { registerCodecs } from './codecs.js'
import type { KafkaInspector } from './kafka-inspector.js'
import { KafkajsAdmin } from './kafkajs-admin.js'
import { KafkajsInspector } from './kafkajs-inspector.js'
import { kafkajsLogger, type KafkaLog } from './kafkajs-logger.js'
import { TopicIds } from './topic-ids.js'
import { KafkajsMember } from './kafkajs-member.js'
import { KafkajsProducer } from './kafkajs-producer.js'
import type { GroupMember, GroupMemberOptions, KafkaClient } from './kafka-client.js'
import { spareRequestQueueTimers } from './request-queue-timers.js'
import { watchedSockets } from './watched-socket.js'

export interface KafkaConnectionOptions {
  /** `host:port`, at least one. */
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly tls?: ConnectionOptions | undefined
  readonly sasl?: SaslOptions | undefined
  readonly log: KafkaLog
  /** A line for each attempt that failed while the daemon waits for Kafka. */
  readonly waiting: (error: EnrichdError) => void
  /** Members of these processes, which had ended without leaving, were taken out of the group. */
  readonly removedDead: (pids: readonly number[]) => void
  readonly couldNotRemoveDead: (error: EnrichdError) => void
}

export interface SaslOptions {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}

/**
 * Kafka by kafkajs 2.2.4.
 *
 * Times: a connection is given up after 3 s, or when it is silent for 10 s; a request after 30 s.
 */
export function createKafkaClient(options: KafkaConnectionOptions): KafkaClient {
  const outOfRange = new Set<(partition: TopicPartition) => void>()
  const kafka = () => openKafkajs(options, outOfRange)
  const admin = () => new KafkajsAdmin(kafka)
  return {
    member(memberOptions: GroupMemberOptions): GroupMember {
      outOfRange.add((partition) => {
        memberOptions.handler.outOfRange(partition)
      })
      const shared = admin()
      return new KafkajsMember(memberOptions, {
        ...options,
        kafka,
        admin: () => shared,
        topicIds: () => new TopicIds(kafka()),
      })
    },
    producer: () => new KafkajsProducer(kafka().producer(producerSettings)),
    admin,
  }
}

/** Kafka from outside any group. Nothing is connected before the first question. */
export function createKafkaInspector(options: KafkaConnectionOptions): KafkaInspector {
  return new KafkajsInspector(openKafkajs(options, new Set()))
}

function openKafkajs(
  options: KafkaConnectionOptions,
  outOfRange: Set<(partition: TopicPartition) => void>,
): kafkajs.Kafka {
  registerCodecs()
  spareRequestQueueTimers()
  return new kafkajs.Kafka(toKafkajs(options, outOfRange))
}

/** The client's log says this, and nothing else does. */
const OUT_OF_RANGE_MESSAGE = 'Offset out of range, resetting to default offset'

const producerSettings = {
  allowAutoTopicCreation: false,
  createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  retry: { retries: 2 },
}

function toKafkajs(
  options: KafkaConnectionOptions,
  outOfRange: Set<(partition: TopicPartition) => void>,
): KafkaConfig {
  const listener = ({ log }: { log: Record<string, unknown> & { message: string } }) => {
    if (log.message !== OUT_OF_RANGE_MESSAGE) return
    const partition = { topic: String(log['topic']), partition: Number(log['partition']) }
    for (const tell of outOfRange) tell(partition)
  }
  return {
    brokers: [...options.brokers],
    clientId: options.clientId,
    connectionTimeout: 3000,
    requestTimeout: 30_000,
    socketFactory: watchedSockets(),
    retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 3 },
    logLevel: kafkajs.logLevel.INFO,
    logCreator: kafkajsLogger(options.log, listener),
    ...(options.tls === undefined ? {} : { ssl: options.tls }),
    ...(options.sasl === undefined ? {} : { sasl: { ...options.sasl } as SASLOptions }),
  }
}
