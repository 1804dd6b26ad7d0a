import type { Config } from '../config/schema.js'
import type { Rejected } from '../delivery/delivery.js'
import { DeadLetterWriter, type DeadLetterStore } from '../dead-letter/dead-letter-writer.js'
import { fileDeadLetters } from '../dead-letter/file-dead-letters.js'
import { kafkaDeadLetters } from '../dead-letter/kafka-dead-letters.js'
import { inFull } from '../errors.js'
import type { KafkaClient } from '../kafka/kafka-client.js'
import { systemClock } from '../pipeline/clock.js'
import type { Telemetry } from '../telemetry/telemetry.js'

export interface DeadLetterSurroundings {
  /** Called only where dead letters go to Kafka. */
  readonly kafka: () => KafkaClient
  readonly cutOff: AbortSignal
  readonly telemetry: Telemetry
  /** Takes secrets out of what is written beside the record: the message of its error. */
  readonly mask: (text: string) => string
}

const PROBE_INTERVAL_MS = 1000

/** Where rejected records go, by the settings `deadLetter.*`. */
export function assembleDeadLetters(
  { deadLetter }: Config,
  around: DeadLetterSurroundings,
): DeadLetterWriter {
  const { kafka, cutOff, telemetry, mask } = around
  const store =
    deadLetter.type === 'file'
      ? fileDeadLetters(deadLetter.path)
      : kafkaDeadLetters({ producer: kafka().producer(), topic: deadLetter.topic })
  return new DeadLetterWriter({
    store: masked(store, mask),
    probeIntervalMs: PROBE_INTERVAL_MS,
    cutOff,
    telemetry,
    clock: systemClock,
  })
}

function masked(store: DeadLetterStore, mask: (text: string) => string): DeadLetterStore {
  return {
    write: (rejected) => store.write(rejected.map((each) => withoutSecrets(each, mask))),
    close: () => store.close(),
  }
}

function withoutSecrets(rejected: Rejected, mask: (text: string) => string): Rejected {
  const full = inFull(rejected.error)
  const safe = mask(full)
  return safe === full ? rejected : { ...rejected, error: new Error(safe) }
}
