import { partitionKey } from '../delivery/partition-key.js'
import type { TopicPartition } from '../telemetry/telemetry.js'
import type { CommittedMetadata, KafkaAdmin } from './kafka-client.js'

/** What the group has committed of these partitions; those of which it has nothing are left out. */
export async function committedOf(
  admin: Pick<KafkaAdmin, 'committed'>,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<readonly CommittedMetadata[]> {
  const wanted = new Set(partitions.map(partitionKey))
  const all = await admin.committed(groupId, [...new Set(partitions.map(({ topic }) => topic))])
  return all.filter((each) => wanted.has(partitionKey(each)))
}
