import type { Offsets } from 'kafkajs'
import type { PendingCommit } from '../delivery/committer.js'
import { byTopic } from './by-topic.js'

/** Commits as kafkajs takes them: by topic. */
export function kafkajsCommit(pending: readonly PendingCommit[]): Offsets {
  return {
    topics: byTopic(pending, ({ partition, offset, metadata }) => ({
      partition,
      offset: String(offset),
      metadata,
    })),
  }
}
