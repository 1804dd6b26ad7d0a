import type { Broker } from 'kafkajs'
import { classifyKafkaError } from './classify-kafka-error.js'

/**
 * The group's coordinator cannot be reached. By its `type` kafkajs takes it for a coordinator that has moved, and joins
 * again after it has looked for it.
 */
export class CoordinatorLostError extends Error {
  override readonly name = 'CoordinatorLostError'
  readonly type = 'NOT_COORDINATOR_FOR_GROUP'
  readonly retriable = true

  constructor(cause: unknown) {
    super("the group's coordinator cannot be reached", { cause })
  }
}

/** What kafkajs' types leave out of a broker. */
interface Coordinator extends Broker {
  heartbeat(request: unknown): Promise<unknown>
  joinGroup(request: unknown): Promise<unknown>
  syncGroup(request: unknown): Promise<unknown>
}

export interface CoordinatorWatch {
  /** A join that was begun did not come to its end. */
  readonly joinFailed: (error: unknown) => void
  /** True once it did not, until the next join: the member must not go on as it was. */
  readonly mustRejoin: () => boolean
}

/**
 * The coordinator, watched, so that kafkajs rejoins where it would not:
 *
 * - A heartbeat that cannot reach the coordinator says so. kafkajs itself goes on sending heartbeats to a broker that is
 *   gone, also after another one has taken over, until the session has run out.
 * - A join that fails for a passing reason (the coordinator is loading) is begun again. kafkajs itself goes back to
 *   fetching with the old assignment, and nobody is told.
 */
export function watchCoordinator(broker: Broker, { joinFailed, mustRejoin }: CoordinatorWatch): Broker {
  const coordinator = broker as Coordinator
  const watched = Object.create(coordinator) as Coordinator
  watched.heartbeat = async (request) => {
    if (mustRejoin()) throw new CoordinatorLostError(undefined)
    try {
      return await coordinator.heartbeat(request)
    } catch (error) {
      const { code } = classifyKafkaError(error, 'sending a heartbeat')
      throw code === 'KAFKA_UNREACHABLE' ? new CoordinatorLostError(error) : error
    }
  }
  const orFail =
    (call: (request: unknown) => Promise<unknown>) =>
    async (request: unknown): Promise<unknown> => {
      try {
        return await call(request)
      } catch (error) {
        joinFailed(error)
        throw error
      }
    }
  watched.joinGroup = orFail((request) => coordinator.joinGroup(request))
  watched.syncGroup = orFail((request) => coordinator.syncGroup(request))
  return watched
}
