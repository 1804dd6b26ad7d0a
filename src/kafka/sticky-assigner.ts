import kafkajs from 'kafkajs'
import type { Assigner, Cluster, PartitionAssigner } from 'kafkajs'
import { partitionKey } from '../delivery/partition-key.js'
import type { TopicPartition } from '../telemetry/telemetry.js'
import { decodeMemberData, encodeMemberData, toMap } from './member-data.js'
import { ownPlace } from './process-place.js'

const { AssignerProtocol } = kafkajs

export interface Member {
  readonly memberId: string
  /** What this member subscribed to; it is given nothing else. */
  readonly topics: readonly string[]
  /** What it had before this rebalance. */
  readonly owned: readonly TopicPartition[]
}

/**
 * Gives partitions to members: each partition to a member that subscribed to its topic, as evenly as the subscriptions
 * allow, and where it was before if that is not uneven. kafkajs' own assigner gives the leader's topics to everybody,
 * and members drop what they did not ask for: with mixed subscriptions data is skipped in silence.
 *
 * Kept partitions first, up to the member's fair share; the rest to the member with the fewest. Deterministic: members
 * and partitions are taken in sorted order.
 */
export function assignSticky(
  members: readonly Member[],
  partitions: readonly TopicPartition[],
): Map<string, TopicPartition[]> {
  const sorted = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
  const given = new Map<string, TopicPartition[]>(sorted.map(({ memberId }) => [memberId, []]))
  const load = (member: Member) => given.get(member.memberId)?.length ?? 0
  const free = new Map(partitions.map((partition) => [partitionKey(partition), partition]))
  const limits = fairShares(sorted, partitions)

  for (const member of sorted) {
    for (const owned of member.owned) {
      const partition = free.get(partitionKey(owned))
      const fits = member.topics.includes(owned.topic) && load(member) < (limits.get(member.memberId) ?? 0)
      if (partition === undefined || !fits) continue
      given.get(member.memberId)?.push(partition)
      free.delete(partitionKey(owned))
    }
  }
  for (const partition of free.values()) {
    const takers = sorted.filter(({ topics }) => topics.includes(partition.topic))
    const least = takers.reduce<Member | undefined>(
      (a, b) => (a === undefined || load(b) < load(a) ? b : a),
      undefined,
    )
    if (least !== undefined) given.get(least.memberId)?.push(partition)
  }
  return given
}

/** How many partitions each member may keep: what an assignment from nothing would give it. */
function fairShares(members: readonly Member[], partitions: readonly TopicPartition[]): Map<string, number> {
  const shares = new Map<string, number>(members.map(({ memberId }) => [memberId, 0]))
  // Who already holds much is asked first, so that the larger of two uneven shares stays where more can be kept.
  const byOwned = [...members].sort((a, b) => b.owned.length - a.owned.length)
  for (const partition of partitions) {
    let least: Member | undefined
    for (const member of byOwned) {
      if (!member.topics.includes(partition.topic)) continue
      if (least === undefined || (shares.get(member.memberId) ?? 0) < (shares.get(least.memberId) ?? 0))
        least = member
    }
    if (least !== undefined) shares.set(least.memberId, (shares.get(least.memberId) ?? 0) + 1)
  }
  return shares
}

/** The assigner as the client wants it. `owned` tells what this member has now; `created` hands out the client's cluster. */
export function stickyAssigner(
  owned: () => readonly TopicPartition[],
  created: (cluster: Cluster) => void,
): PartitionAssigner {
  return ({ cluster }): Assigner => {
    created(cluster)
    return {
      name: 'enrichd-sticky',
      version: 1,
      protocol({ topics }) {
        const userData = encodeMemberData({ owned: owned(), place: ownPlace() })
        return {
          name: this.name,
          metadata: AssignerProtocol.MemberMetadata.encode({ version: this.version, topics, userData }),
        }
      },
      async assign({ members }) {
        const group = members.map(({ memberId, memberMetadata }) => readMember(memberId, memberMetadata))
        const topics = [...new Set(group.flatMap((member) => member.topics))].sort()
        await cluster.addMultipleTargetTopics(topics)
        const partitions = topics.flatMap((topic) =>
          cluster
            .findTopicPartitionMetadata(topic)
            .map(({ partitionId }) => ({ topic, partition: partitionId })),
        )
        return [...assignSticky(group, partitions)].map(([memberId, given]) => ({
          memberId,
          memberAssignment: AssignerProtocol.MemberAssignment.encode({
            version: this.version,
            assignment: toMap(given),
            userData: Buffer.alloc(0),
          }),
        }))
      },
    }
  }
}

function readMember(memberId: string, metadata: Buffer): Member {
  const decoded = AssignerProtocol.MemberMetadata.decode(metadata)
  return { memberId, topics: decoded?.topics ?? [], owned: decodeMemberData(decoded?.userData).owned }
}
