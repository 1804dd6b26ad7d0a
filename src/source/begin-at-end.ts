import { EnrichdError } from '../errors.js'
import type { KafkaAdmin, Position } from '../kafka/kafka-client.js'
import { sleep } from '../pipeline/sleep.js'
import type { Telemetry } from '../telemetry/telemetry.js'

export interface BeginAtEndOptions {
  readonly admin: KafkaAdmin
  readonly groupId: string
  readonly topics: readonly string[]
  readonly telemetry: Telemetry
  readonly draining: AbortSignal
}

const RETRY_MS = 1000

/**
 * `kafka.fromBeginning` false: a group that never committed anything begins at the end of its topics. Done before the group
 * is joined, by committing the end offsets; partitions that come later have no commit and are read from their beginning.
 * Where another member of the group is running already, it has done so itself. Kafka is waited for.
 *
 * @throws the signal's reason once the drain begins
 */
export async function beginAtEnd(options: BeginAtEndOptions): Promise<void> {
  for (;;) {
    try {
      await commitEnds(options)
      return
    } catch (error) {
      if (!(error instanceof EnrichdError)) throw error
      // The group has members: they began, and committed, before us.
      if (error.code === 'KAFKA_GROUP_IN_USE') return
      options.telemetry.dependencyDown('kafka', error)
    }
    await sleep(RETRY_MS, { signal: options.draining })
  }
}

async function commitEnds({ admin, groupId, topics }: BeginAtEndOptions): Promise<void> {
  const there = await admin.partitionCounts()
  const existing = topics.filter((topic) => there.has(topic))
  if (existing.length === 0 || (await admin.committed(groupId, existing)).length > 0) return
  const ends: Position[] = []
  for (const topic of existing) {
    for (const { partition, end } of await admin.offsets(topic)) ends.push({ topic, partition, offset: end })
  }
  await admin.setCommitted(groupId, ends)
}
