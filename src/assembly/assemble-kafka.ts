import type { ConnectionOptions } from 'node:tls'
import type { Config } from '../config/schema.js'
import { createKafkaClient } from '../kafka/kafkajs-client.js'
import type { KafkaClient } from '../kafka/kafka-client.js'
import type { TelemetryHandle } from '../telemetry/create-telemetry.js'

/** Kafka by the settings `kafka.*`. Nothing is connected yet. */
export function assembleKafka(
  config: Config,
  { telemetry, kafkaLog }: Pick<TelemetryHandle, 'telemetry' | 'kafkaLog'>,
): KafkaClient {
  const { brokers, tls, sasl } = config.kafka
  const { mechanism, username = '', password = '' } = sasl
  if (tls.enabled && !tls.verify) {
    telemetry.warning(
      'kafka.tls_unverified',
      'kafka.tls.verify is false: the certificates of the brokers are not verified',
    )
  }
  return createKafkaClient({
    brokers,
    clientId: 'enrichd',
    tls: tls.enabled ? toNode(tls) : undefined,
    sasl: mechanism === undefined ? undefined : { mechanism, username, password },
    log: kafkaLog,
    waiting: (error) => {
      telemetry.dependencyDown('kafka', error)
    },
  })
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
