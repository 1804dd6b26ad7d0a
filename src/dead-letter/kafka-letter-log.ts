import type { PendingCommit } from '../delivery/committer.js'
import { decodeSettledRanges } from '../delivery/settled-ranges.js'
import type { KafkaAdmin } from '../kafka/kafka-client.js'
import type { KafkaInspector } from '../kafka/kafka-inspector.js'
import { recordHeaders } from '../kafka/record-headers.js'
import type { LetterLog, LetterPart } from './letter-log.js'

export interface KafkaLetterLogOptions {
  readonly inspector: KafkaInspector
  readonly admin: Pick<KafkaAdmin, 'offsets'>
  /** Dead letter topics; those that are not there are left out. */
  readonly topics: readonly string[]
  /** Its commits are the trace. It never has members. */
  readonly groupId: string
}

const FETCH_BYTES = 1024 * 1024
/** What a broker takes by default. */
const COMMIT_METADATA_BYTES = 4096
/** A fetch can come back empty for no reason of the log's (a quota, a leader that is new). */
const EMPTY_FETCHES = 10

/**
 * Dead letters in Kafka, read without a group. The trace is the offsets of a group of its own, with what was brought back
 * beyond the committed offset in the commit's metadata: its lag is what was not brought back yet.
 */
export function kafkaLetterLog({ inspector, admin, topics, groupId }: KafkaLetterLogOptions): LetterLog {
  return {
    name: topics.join(', '),
    maxTraceBytes: COMMIT_METADATA_BYTES,
    async open() {
      await inspector.tryGroup(groupId)
      const there: string[] = []
      for (const topic of topics) if ((await inspector.topic(topic)) !== undefined) there.push(topic)
      const commits = await inspector.committed(groupId, there)
      const parts: LetterPart[] = []
      for (const topic of there) {
        for (const { partition, earliest, end } of await admin.offsets(topic)) {
          const commit = commits.find((each) => each.topic === topic && each.partition === partition)
          // A commit past the end is of a topic that was there before this one of the same name.
          const known = commit !== undefined && commit.offset <= end ? commit : undefined
          const tracedUpTo = known?.offset ?? earliest
          const traced = decodeSettledRanges(tracedUpTo, known?.metadata)
          parts.push({ topic, partition, earliest, end, tracedUpTo, traced })
        }
      }
      return parts
    },
    async read({ topic, partition, end }, position) {
      for (let left = EMPTY_FETCHES; left > 0 && position < end; left--) {
        const fetched = await inspector.fetch({ topic, partition, offset: position, maxBytes: FETCH_BYTES })
        if (fetched.position === position) continue
        const letters = fetched.messages
          .map(({ offset, key, value, headers }) => ({
            ...{ offset: Number(offset), key, value },
            headers: recordHeaders(headers),
          }))
          .filter(({ offset }) => offset < end)
        return { letters, position: Math.min(end, fetched.position) }
      }
      // What was there at this offset was compacted away, with nothing left to show where it ended.
      return { letters: [], position: Math.min(end, position + 1) }
    },
    saveTrace: (settled: readonly PendingCommit[]) => inspector.commit(groupId, settled),
    close: () => inspector.close(),
  }
}
