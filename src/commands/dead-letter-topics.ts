import type { Config } from '../config/schema.js'
import { deadLetterTopicOf } from '../dead-letter/dead-letter.js'

/** Each dead letter topic with the topics whose dead letters it takes; without `{topic}` in its name there is one for all. */
export function deadLetterTopics(
  config: Config,
  topics: readonly string[],
): readonly (readonly [deadLetterTopic: string, topics: readonly string[]])[] {
  const groups = new Map<string, string[]>()
  if (!config.deadLetter.topic.includes('{topic}')) return [[config.deadLetter.topic, topics]]
  for (const topic of topics) {
    const name = deadLetterTopicOf(topic, config.deadLetter.topic)
    groups.set(name, [...(groups.get(name) ?? []), topic])
  }
  return [...groups]
}
