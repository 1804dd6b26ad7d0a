import type { Config } from '../config/schema.js'

/** The dead letter topic of a topic. */
export function deadLetterTopicOf({ deadLetter }: Config, topic: string): string {
  return deadLetter.topic.replaceAll('{topic}', topic)
}

/** Each dead letter topic with the topics whose dead letters it takes; without `{topic}` in its name there is one for all. */
export function deadLetterTopics(
  config: Config,
  topics: readonly string[],
): readonly (readonly [deadLetterTopic: string, topics: readonly string[]])[] {
  const groups = new Map<string, string[]>()
  if (!config.deadLetter.topic.includes('{topic}')) return [[config.deadLetter.topic, topics]]
  for (const topic of topics) {
    const name = deadLetterTopicOf(config, topic)
    groups.set(name, [...(groups.get(name) ?? []), topic])
  }
  return [...groups]
}
