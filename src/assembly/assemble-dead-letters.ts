import type { Config } from '../config/schema.js'
import { DeadLetterWriter } from '../dead-letter/dead-letter-writer.js'
import { fileDeadLetters } from '../dead-letter/file-dead-letters.js'
import { kafkaDeadLetters } from '../dead-letter/kafka-dead-letters.js'
import type { KafkaClient } from '../kafka/kafka-client.js'
import { systemClock } from '../pipeline/clock.js'
import type { Telemetry } from '../telemetry/telemetry.js'

export interface DeadLetterSurroundings {
  /** Called only where dead letters go to Kafka. */
  readonly kafka: () => KafkaClient
  readonly cutOff: AbortSignal
  readonly telemetry: Telemetry
}

const PROBE_INTERVAL_MS = 1000

/** Where rejected records go, by the settings `deadLetter.*`. */
export function assembleDeadLetters(
  { deadLetter }: Config,
  around: DeadLetterSurroundings,
): DeadLetterWriter {
  const { kafka, cutOff, telemetry } = around
  const store =
    deadLetter.type === 'file'
      ? fileDeadLetters(deadLetter.path)
      : kafkaDeadLetters({ producer: kafka().producer(), topic: deadLetter.topic })
  return new DeadLetterWriter({
    store,
    probeIntervalMs: PROBE_INTERVAL_MS,
    cutOff,
    telemetry,
    clock: systemClock,
  })
}
