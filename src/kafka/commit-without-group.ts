import type { Cluster, Kafka } from 'kafkajs'
import { byTopic } from './by-topic.js'
import type { Position } from './kafka-client.js'

/** What a commit carries that comes from no member. */
const NO_GENERATION = -1
const NO_MEMBER = ''

/**
 * Sets offsets of a group that has no members, all in one request; a broker refuses it with UNKNOWN_MEMBER_ID where the
 * group has one. kafkajs' own way (`admin.setOffsets`) joins the group as a consumer, topic by topic, and takes five
 * seconds for each: a member that starts meanwhile would find some topics set and others not.
 */
export async function commitWithoutGroup(
  kafka: Kafka,
  groupId: string,
  positions: readonly Position[],
): Promise<void> {
  let cluster: Cluster | undefined
  // Assigners are handed the consumer's connections, and nothing else in kafkajs is. This one is never asked.
  const consumer = kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    retry: { retries: 1, initialRetryTime: 100 },
    partitionAssigners: [
      (given) => {
        cluster = given.cluster
        return { name: 'none', version: 0, assign: () => Promise.resolve([]), protocol: () => noProtocol }
      },
    ],
  })
  try {
    await consumer.connect()
    const coordinator = await cluster?.findGroupCoordinator({ groupId })
    await coordinator?.offsetCommit({
      groupId,
      groupGenerationId: NO_GENERATION,
      memberId: NO_MEMBER,
      topics: byTopic(positions, ({ partition, offset }) => ({ partition, offset: String(offset) })),
    })
  } finally {
    await consumer.disconnect()
  }
}

const noProtocol = { name: 'none', metadata: Buffer.alloc(0) }
