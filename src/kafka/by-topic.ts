import type { TopicPartition } from '../telemetry/telemetry.js'

/** What a request of Kafka's says of one topic. */
export interface OfTopic<P> {
  topic: string
  partitions: P[]
}

/** As Kafka's requests have it: each topic once, in the order in which they come, and there what `of` says of each partition. */
export function byTopic<T extends TopicPartition, P>(items: readonly T[], of: (item: T) => P): OfTopic<P>[] {
  const topics = new Map<string, OfTopic<P>>()
  for (const item of items) {
    const { topic } = item
    let ofTopic = topics.get(topic)
    if (ofTopic === undefined) topics.set(topic, (ofTopic = { topic, partitions: [] }))
    ofTopic.partitions.push(of(item))
  }
  return [...topics.values()]
}
