import type { Offsets } from 'kafkajs'
import type { PendingCommit } from '../delivery/committer.js'

/** Commits as kafkajs takes them: by topic. */
export function kafkajsCommit(pending: readonly PendingCommit[]): Offsets {
  const topics = new Map<string, { partition: number; offset: string; metadata: string }[]>()
  for (const { topic, partition, offset, metadata } of pending) {
    const partitions = topics.get(topic) ?? []
    partitions.push({ partition, offset: String(offset), metadata })
    topics.set(topic, partitions)
  }
  return { topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })) }
}
