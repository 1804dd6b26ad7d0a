import type { Broker } from 'kafkajs'

/** What kafkajs' types leave out of a broker. */
interface Coordinator extends Broker {
  leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>
}

/** Takes a member out of its group: the others get its partitions at once. Rejects where the coordinator refuses or is away. */
export async function leaveGroup(coordinator: Broker, groupId: string, memberId: string): Promise<void> {
  await (coordinator as Coordinator).leaveGroup({ groupId, memberId })
}
