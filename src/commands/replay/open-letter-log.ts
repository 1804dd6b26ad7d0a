import { topicsToRead } from '../../assembly/topics-to-read.js'
import { assembleInspector, assembleKafka } from '../../assembly/assemble-kafka.js'
import type { Config } from '../../config/schema.js'
import type { DeadLetter } from '../../dead-letter/dead-letter.js'
import { fileLetterLog } from '../../dead-letter/file-letter-log.js'
import { kafkaLetterLog } from '../../dead-letter/kafka-letter-log.js'
import type { LetterLog } from '../../dead-letter/letter-log.js'
import type { SourceRecord } from '../../delivery/delivery.js'
import { EnrichdError } from '../../errors.js'
import type { KafkaInspector } from '../../kafka/kafka-inspector.js'
import { typeOf } from '../../kafka/kafkajs-inspector.js'
import type { TelemetryHandle } from '../../telemetry/create-telemetry.js'
import { deadLetterTopics } from '../dead-letter-topics.js'

export interface OpenLetterLog {
  readonly log: LetterLog
  /** The record of a letter that holds only its beginning; undefined where it is gone. @throws EnrichdError */
  readonly original: (record: SourceRecord) => Promise<Pick<DeadLetter, 'key' | 'value'> | undefined>
}

const MAX_RECORD_BYTES = 16 * 1024 * 1024

/**
 * Where the dead letters lie, by the settings `deadLetter.*`. The topics: those of `topics`, or of all topics of the
 * configuration.
 */
export async function openLetterLog(
  config: Config,
  { topics, handle }: { readonly topics: readonly string[]; readonly handle: TelemetryHandle },
): Promise<OpenLetterLog> {
  if (config.deadLetter.type === 'file')
    return { log: fileLetterLog(config.deadLetter.path), original: () => Promise.resolve(undefined) }
  const inspector = assembleInspector(config, handle)
  const admin = assembleKafka(config, handle).admin()
  const sources = topics.length > 0 ? topics : topicsToRead(config, await inspector.topics())
  const log = kafkaLetterLog({
    inspector,
    admin,
    topics: deadLetterTopics(config, sources).map(([name]) => name),
    groupId: `${config.kafka.groupId === '' ? 'enrichd' : config.kafka.groupId}.replay`,
  })
  const close = async (): Promise<void> => {
    await Promise.all([log.close(), admin.close()])
  }
  return { log: { ...log, close }, original: (record) => originalOf(record, inspector) }
}

async function originalOf(
  { topic, partition, offset, timestampMs }: SourceRecord,
  inspector: KafkaInspector,
): ReturnType<OpenLetterLog['original']> {
  try {
    const { messages } = await inspector.fetch({ topic, partition, offset, maxBytes: MAX_RECORD_BYTES })
    const found = messages[0]
    // The same coordinates in a topic that was made again are another record's.
    const same = Number(found?.offset) === offset && Number(found?.timestamp) === timestampMs
    return same ? found : undefined
  } catch (error) {
    const gone = ['OFFSET_OUT_OF_RANGE', 'UNKNOWN_TOPIC_OR_PARTITION'].includes(typeOf(error) ?? '')
    if (gone || (error instanceof EnrichdError && error.kind === 'setting')) return undefined
    throw error
  }
}
