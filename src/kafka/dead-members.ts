import kafkajs from 'kafkajs'
import type { Broker, GroupDescriptions } from 'kafkajs'
import { leaveGroup } from './leave-group.js'
import { decodeMemberData } from './member-data.js'
import { hasEnded, ownPlace } from './process-place.js'

/**
 * Takes those out of a group whose processes ran here and have ended, so that nobody waits for their sessions to run out: a
 * daemon that was killed and started again is at work at once. Each member says where it runs (`ProcessPlace`) when it joins.
 *
 * A process that lives, however silent, and one that ran elsewhere (another machine, another container) keeps its session. So do
 * all while the group is rebalancing: the coordinator does not tell then what its members said.
 *
 * @returns the process ids of those that were taken out
 */
export async function removeDeadMembers(coordinator: Broker, groupId: string): Promise<number[]> {
  const own = ownPlace()
  if (own === undefined) return []
  const { groups } = (await coordinator.describeGroups({ groupIds: [groupId] })) as GroupDescriptions
  const removed: number[] = []
  for (const { memberId, memberMetadata } of groups[0]?.members ?? []) {
    const place = placeOf(memberMetadata)
    if (place === undefined || !hasEnded(place, own)) continue
    if (await removeMember(coordinator, groupId, memberId)) removed.push(place.pid)
  }
  return removed
}

/** Takes one member out of its group. @returns false where it is no member any more. Rejects where the coordinator is away */
export async function removeMember(coordinator: Broker, groupId: string, memberId: string): Promise<boolean> {
  try {
    await leaveGroup(coordinator, groupId, memberId)
    return true
  } catch (error) {
    if ((error as { type?: unknown }).type === 'UNKNOWN_MEMBER_ID') return false
    throw error
  }
}

/** Another program's member may say anything, also in its part of the protocol. */
function placeOf(metadata: Buffer) {
  try {
    return decodeMemberData(kafkajs.AssignerProtocol.MemberMetadata.decode(metadata)?.userData).place
  } catch {
    return undefined
  }
}
