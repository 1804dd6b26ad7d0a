import type { ConsumerConfig, PartitionAssigner } from 'kafkajs'
import type { GroupMemberOptions } from './kafka-client.js'

/** How long the broker holds a fetch that finds nothing. A resume waits one out. */
export const FETCH_WAIT_MS = 200
/** New partitions, and moved leaders that no error told of, are seen within this time. */
const METADATA_MAX_AGE_MS = 10_000
const BYTES_PER_PARTITION = 262_144
const SHORTEST_REBALANCE_TIMEOUT_MS = 10_000

/** kafkajs' consumer as a member of ours uses it. */
export function consumerConfig(options: GroupMemberOptions, assigner: PartitionAssigner): ConsumerConfig {
  const { groupId, sessionTimeoutMs, heartbeatIntervalMs, isolationLevel, fetchMaxBytes } = options
  return {
    groupId,
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: Math.max(sessionTimeoutMs, SHORTEST_REBALANCE_TIMEOUT_MS),
    heartbeatInterval: heartbeatIntervalMs,
    readUncommitted: isolationLevel === 'readUncommitted',
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: FETCH_WAIT_MS,
    metadataMaxAge: METADATA_MAX_AGE_MS,
    maxBytes: fetchMaxBytes,
    maxBytesPerPartition: Math.min(BYTES_PER_PARTITION, fetchMaxBytes),
    // A broker that is away for minutes must not cost the membership: kafkajs goes on trying, we never restart it.
    retry: {
      initialRetryTime: 100,
      maxRetryTime: 1000,
      retries: 1e9,
      restartOnFailure: () => Promise.resolve(false),
    },
    partitionAssigners: [assigner],
  }
}
