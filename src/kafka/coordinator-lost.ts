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
}

/**
 * The coordinator, with a heartbeat that says so when it cannot be reached. kafkajs itself goes on sending heartbeats to
 * a broker that is gone, also after another one has taken over, until the session has run out.
 */
export function rejoiningWhenLost(broker: Broker): Broker {
  const coordinator = broker as Coordinator
  const watched = Object.create(coordinator) as Coordinator
  watched.heartbeat = async (request) => {
    try {
      return await coordinator.heartbeat(request)
    } catch (error) {
      const { code } = classifyKafkaError(error, 'sending a heartbeat')
      throw code === 'KAFKA_UNREACHABLE' ? new CoordinatorLostError(error) : error
    }
  }
  return watched
}
