import type { Cluster } from 'kafkajs'
import type { TopicPartition } from '../telemetry/telemetry.js'
import { byTopic } from './by-topic.js'
import type { PartitionEdge, Position } from './kafka-client.js'

/**
 * The first offsets of partitions, or those one past the last that may be read, as their leaders have them now: one request for each
 * broker, however many topics there are.
 *
 * @throws what the client throws where a partition has no leader, or its leader does not answer or is another one now: then it is
 * asked who leads
 */
export async function partitionOffsets(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  edge: PartitionEdge,
): Promise<readonly Position[]> {
  if (partitions.length === 0) return []
  const fromBeginning = edge === 'earliest'
  const asked = byTopic(partitions, ({ partition }) => ({ partition })).map((ofTopic) => ({
    ...ofTopic,
    fromBeginning,
  }))
  const found = await cluster.fetchTopicsOffset(asked).catch(async (error: unknown) => {
    // While nothing is fetched nobody else notices that a partition has another leader.
    await cluster.refreshMetadata()
    throw error
  })
  return found.flatMap(({ topic, partitions: offsets }) =>
    offsets.map(({ partition, offset }) => ({ topic, partition, offset: Number(offset) })),
  )
}
