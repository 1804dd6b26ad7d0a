import type { Config } from '../config/schema.js'
import { deadLetterTopicOf } from '../dead-letter/dead-letter.js'
import { tellMissingTopics } from '../dead-letter/tell-missing-topics.js'
import type { KafkaClient } from '../kafka/kafka-client.js'
import { systemClock } from '../pipeline/clock.js'
import { beginAtEnd } from '../source/begin-at-end.js'
import { resolveTopics } from '../source/resolve-topics.js'
import { KafkaSource } from '../source/kafka-source.js'
import { LinesRecordSource } from '../source/lines-record-source.js'
import type { RecordSource } from '../source/record-source.js'
import type { Telemetry } from '../telemetry/telemetry.js'
import { holdsDeadLetters } from './topics-to-read.js'

export interface SourceSurroundings {
  /** Called only where the source is Kafka. */
  readonly kafka: () => KafkaClient
  readonly telemetry: Telemetry
  /** Aborted when the drain begins: nothing is waited for any more. */
  readonly draining: AbortSignal
}

/** Unsettled records of a partition, in multiples of what one stage holds: enough that one partition alone fills the line. */
const STAGES_FULL = 4

/** The source by the settings `source.*` and `kafka.*`. */
export function assembleSource(config: Config, around: SourceSurroundings): RecordSource {
  const { source, kafka, pipeline, deadLetter } = config
  const { maxBufferedBytes } = pipeline
  if (source.type === 'file')
    return new LinesRecordSource({ input: { type: 'file', path: source.path ?? '' }, maxBufferedBytes })
  if (source.type === 'stdin') {
    const input = { type: 'stdin', stream: process.stdin, startedAtMs: Date.now() } as const
    return new LinesRecordSource({ input, maxBufferedBytes })
  }
  const { telemetry, draining } = around
  const client = around.kafka()
  const { groupId, sessionTimeoutMs, heartbeatIntervalMs, isolationLevel } = kafka
  const findTopics = async (): Promise<readonly string[]> => {
    const admin = client.admin()
    const asking = { admin, telemetry, draining }
    try {
      const wanted = { wanted: kafka.topics, holdsDeadLetters: holdsDeadLetters(config) }
      const topics = await resolveTopics({ ...asking, ...wanted })
      if (!kafka.fromBeginning) await beginAtEnd({ ...asking, groupId, topics })
      return topics
    } finally {
      await admin.close()
    }
  }
  return new KafkaSource({
    client,
    topics: async () => {
      const topics = await findTopics()
      if (deadLetter.type === 'kafka') {
        const theirs = topics.map((topic) => deadLetterTopicOf(topic, deadLetter.topic))
        void tellMissingTopics({ admin: client.admin(), topics: theirs, telemetry, draining })
      }
      return topics
    },
    group: { groupId, sessionTimeoutMs, heartbeatIntervalMs, isolationLevel },
    bufferSize: pipeline.bufferSize,
    maxBufferedBytes,
    maxUnsettledPerPartition: STAGES_FULL * pipeline.bufferSize,
    commitIntervalMs: kafka.commitIntervalMs,
    rebalanceDrainMs: Math.min(5000, Math.floor(sessionTimeoutMs / 3)),
    telemetry,
    clock: systemClock,
  })
}
