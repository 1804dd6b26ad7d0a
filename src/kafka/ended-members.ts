import type { Broker } from 'kafkajs'
import type { EnrichdError } from '../errors.js'
import { classifyKafkaError } from './classify-kafka-error.js'
import { removeDeadMembers, removeMember } from './dead-members.js'

export interface EndedMembersOptions {
  readonly groupId: string
  /** Members of these processes were taken out. */
  readonly removedDead: (pids: readonly number[]) => void
  readonly couldNotRemoveDead: (error: EnrichdError) => void
}

/**
 * Members that the group still waits for though they have ended: those of processes that ran here, and what this process itself was in
 * a membership that ended by an error, when the coordinator could not be told. A broker that is back after some seconds knows
 * them, and nobody would get a partition before their sessions have run out.
 */
export class EndedMembers {
  readonly #options: EndedMembersOptions
  #lostId: string | undefined

  constructor(options: EndedMembersOptions) {
    this.#options = options
  }

  /** This process was that member, and is not any more. */
  lost(memberId: string): void {
    this.#lostId = memberId
  }

  /** Takes them out of the group. Never rejects: where it fails, their sessions run out as ever. */
  async remove(coordinator: Broker): Promise<void> {
    const { groupId, removedDead, couldNotRemoveDead } = this.#options
    try {
      const lostId = this.#lostId
      if (lostId !== undefined) await removeMember(coordinator, groupId, lostId)
      if (this.#lostId === lostId) this.#lostId = undefined
      const pids = await removeDeadMembers(coordinator, groupId)
      if (pids.length > 0) removedDead(pids)
    } catch (error) {
      const classified = classifyKafkaError(error, 'looking for members that have ended')
      // Then the group is not joined either, and before it is, they are looked for once more.
      if (classified.code !== 'KAFKA_UNREACHABLE') couldNotRemoveDead(classified)
    }
  }
}
