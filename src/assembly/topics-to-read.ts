import { isDeadLetterTopic } from '../config/name-formats.js'
import type { Config } from '../config/schema.js'
import { matchingTopics } from '../source/resolve-topics.js'

/** The topics that `kafka.topics` means where Kafka has those of `there`: names as they are, and what patterns match; sorted. */
export function topicsToRead(config: Config, there: readonly string[]): readonly string[] {
  return matchingTopics(config.kafka.topics, there, holdsDeadLetters(config))
}

/** Whether a topic holds dead letters of this configuration: a pattern must not bring them back as records. */
export function holdsDeadLetters({ deadLetter }: Config): (topic: string) => boolean {
  return (topic) => deadLetter.type === 'kafka' && isDeadLetterTopic(deadLetter.topic, topic)
}
