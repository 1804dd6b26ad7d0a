import type { Rejected } from '../delivery/delivery.js'
import { EnrichdError } from '../errors.js'
import type { RecordProducer } from '../kafka/kafka-client.js'
import { deadLetterTopicOf, toDeadLetter, truncate, withoutOwnHeaders } from './dead-letter.js'
import type { DeadLetterStore } from './dead-letter-writer.js'

export interface KafkaDeadLettersOptions {
  readonly producer: RecordProducer
  /** The topic, `{topic}` standing for the record's own. It is never created here. */
  readonly topic: string
}

/**
 * Dead letters in Kafka, acknowledged by all in-sync replicas. A letter that the topic refuses as too large is written
 * with the first 64 KiB of its value; if that is refused too, without the record's own headers, and at last without its value.
 */
export function kafkaDeadLetters({ producer, topic }: KafkaDeadLettersOptions): DeadLetterStore {
  const writeOne = async (name: string, rejected: Rejected): Promise<void> => {
    const letter = toDeadLetter(rejected)
    const cut = truncate(letter)
    const smaller = [
      letter,
      cut,
      withoutOwnHeaders(cut),
      { ...withoutOwnHeaders(cut), key: null, value: null },
    ]
    for (const [at, each] of smaller.entries()) {
      try {
        await producer.send(name, [each])
        return
      } catch (error) {
        if (!isTooLarge(error) || at === smaller.length - 1) throw error
      }
    }
  }
  return {
    async write(rejected) {
      for (const [name, group] of byTopic(rejected, topic)) {
        try {
          await producer.send(name, group.map(toDeadLetter))
        } catch (error) {
          // One of them is too large, and Kafka does not say which: one by one.
          if (!isTooLarge(error)) throw error
          for (const each of group) await writeOne(name, each)
        }
      }
    },
    close: () => producer.close(),
  }
}

const isTooLarge = (error: unknown): boolean =>
  error instanceof EnrichdError && error.code === 'KAFKA_RECORD_TOO_LARGE'

function byTopic(rejected: readonly Rejected[], template: string): Map<string, Rejected[]> {
  const groups = new Map<string, Rejected[]>()
  for (const each of rejected) {
    const name = deadLetterTopicOf(each.record.topic, template)
    const group = groups.get(name) ?? []
    group.push(each)
    groups.set(name, group)
  }
  return groups
}
