import type { ConnectionOptions } from 'node:tls'
import type { Config } from '../config/schema.js'
import type { KafkaClient } from '../kafka/kafka-client.js'
import type { KafkaInspector } from '../kafka/kafka-inspector.js'
import {
  createKafkaClient,
  createKafkaInspector,
  type KafkaConnectionOptions,
} from '../kafka/kafkajs-client.js'
import type { TelemetryHandle } from '../telemetry/create-telemetry.js'

type KafkaSurroundings = Pick<TelemetryHandle, 'telemetry' | 'kafkaLog'>

/** Kafka by the settings `kafka.*`. Nothing is connected yet. */
export function assembleKafka(config: Config, around: KafkaSurroundings): KafkaClient {
  return createKafkaClient(connectionOptions(config, around))
}

/** The same Kafka from outside any group. */
export function assembleInspector(config: Config, around: KafkaSurroundings): KafkaInspector {
  return createKafkaInspector(connectionOptions(config, around))
}

function connectionOptions(
  config: Config,
  { telemetry, kafkaLog }: KafkaSurroundings,
): KafkaConnectionOptions {
  const { brokers, tls, sasl } = config.kafka
  const { mechanism, username = '', password = '' } = sasl
  if (tls.enabled && !tls.verify) {
    telemetry.warning(
      'kafka.tls_unverified',
      'kafka.tls.verify is false: the certificates of the brokers are not verified',
    )
  }
  return {
    brokers,
    clientId: 'enrichd',
    tls: kafkaTls(config),
    sasl: mechanism === undefined ? undefined : { mechanism, username, password },
    log: kafkaLog,
    waiting: (error) => {
      telemetry.dependencyDown('kafka', error)
    },
    removedDead: (pids) => {
      const who = pids.length === 1 ? `process ${pids[0]}` : `processes ${pids.join(', ')}`
      const message = `${who} ended without leaving the group, and was taken out: nobody waits for its session`
      telemetry.notice('kafka.dead_member_removed', message, { pids })
    },
    couldNotRemoveDead: (error) => {
      telemetry.notice('kafka.dead_member_kept', `${error.message}: their sessions have to run out`, {
        error,
      })
    },
  }
}

/** The settings `kafka.tls.*`; undefined where the brokers are spoken to in plain text. */
export function kafkaTls({ kafka: { tls } }: Config): ConnectionOptions | undefined {
  return tls.enabled ? toNode(tls) : undefined
}

function toNode({
  ca,
  cert,
  key,
  passphrase,
  serverName,
  verify,
}: Config['kafka']['tls']): ConnectionOptions {
  return {
    rejectUnauthorized: verify,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  }
}
