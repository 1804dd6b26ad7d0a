import { setTimeout as pause } from 'node:timers/promises'
import type { Broker, Cluster, Consumer, EachBatchPayload, Kafka } from 'kafkajs'
import { EnrichdError } from '../errors.js'
import type { PendingCommit } from '../delivery/committer.js'
import { aborted } from '../pipeline/aborted.js'
import type { TopicPartition } from '../telemetry/telemetry.js'
import { classifyKafkaError } from './classify-kafka-error.js'
import type {
  CommittedMetadata,
  GroupMember,
  GroupMemberOptions,
  KafkaAdmin,
  PartitionEdge,
  Position,
} from './kafka-client.js'
import { committedOf } from './committed-of.js'
import { CoordinatorLostError, watchCoordinator } from './coordinator-lost.js'
import { ConsumerOrders } from './consumer-orders.js'
import { consumerConfig } from './consumer-config.js'
import { fenceFetches } from './fetch-fence.js'
import { HandlerCount } from './handler-count.js'
import { EndedMembers } from './ended-members.js'
import { resolvable, toFetched } from './kafkajs-batch.js'
import { kafkajsCommit } from './kafkajs-commit.js'
import { leaveGroup } from './leave-group.js'
import { partitionOffsets } from './partition-offsets.js'
import { PendingHandlers } from './pending-handlers.js'
import { stickyAssigner } from './sticky-assigner.js'
import type { TopicIds } from './topic-ids.js'
import { TopicWatch } from './topic-watch.js'
import { WantedTopics } from './wanted-topics.js'

/** Between two memberships: from the first to the second, doubling. A coordinator that is loading is back in no time. */
const RESTART_DELAY_MS = [100, 1_000] as const
/** How long the group is not joined because members that have ended are looked for. */
const REMOVE_DEAD_MS = 2_000
/** How often the coordinator of the group is looked for, while it is not there. */
const COORDINATOR_RETRY_MS = 500

/** What the member needs around it: log events have no other door in kafkajs than the log. */
export interface MemberSurroundings {
  readonly kafka: () => Kafka
  readonly admin: () => KafkaAdmin
  readonly topicIds: () => Pick<TopicIds, 'of' | 'close'>
  /** One line per failed attempt to join, and per membership that ended by an error. */
  readonly waiting: (error: EnrichdError, forTopics: readonly string[]) => void
  /** Members of these processes, which had ended without leaving, were taken out of the group. */
  readonly removedDead: (pids: readonly number[]) => void
  readonly couldNotRemoveDead: (error: EnrichdError) => void
}

/**
 * kafkajs' consumer as a group member. How it is held, and why, stands in ARCHITECTURE.md ("How kafkajs is held"):
 *
 * - `eachBatch` hands records over and returns; `resolveOffset` is nothing but the fetch position; commits go through
 *   the payload's own function, which stamps the generation at the call and is not repeated.
 * - Every join request passes `findGroupCoordinator` of the cluster that kafkajs hands to its assigner. We wait there for
 *   `handler.joining()`: that is the small drain before a rebalance, however kafkajs came to rejoin.
 * - While a handler is pending, `PendingHandlers` keeps the heartbeat. A coordinator that cannot be reached makes kafkajs
 *   rejoin, wherever the coordinator is now, and so does a join that failed: `watchCoordinator`.
 * - kafkajs never restarts by itself: after a crash `run` starts anew, as a new member.
 *
 * states: idle → joining ⇄ joined → idle (crash; joins again) → left (nothing is joined again)
 */
export class KafkajsMember implements GroupMember {
  readonly #options: GroupMemberOptions
  readonly #around: MemberSurroundings
  #consumer: Consumer | undefined
  #cluster: Cluster | undefined
  #payload: EachBatchPayload | undefined
  #memberId: string | undefined
  #coordinator: Broker | undefined
  #assigned: readonly TopicPartition[] = []
  /** Counts joins and other changes of what is read from where. */
  #epoch = 0
  /** Commits are possible: joined, and no join request on its way. */
  #mayCommit = false
  #joinFailed = false
  readonly #pending: PendingHandlers
  readonly #handlers = new HandlerCount()
  readonly #endedMembers: EndedMembers
  readonly #orders = new ConsumerOrders(() => (this.#assigned.length > 0 ? this.#consumer : undefined))
  readonly #leaving = new AbortController()
  #ended: Promise<void> | undefined
  #crashed: ((error: Error) => void) | undefined
  #left: Promise<void> | undefined
  /** Of the fence around the cluster. */
  #fetchBegins: (node: string) => void = () => undefined
  aliveAt = performance.now()

  constructor(options: GroupMemberOptions, around: MemberSurroundings) {
    this.#options = options
    this.#around = around
    this.#pending = new PendingHandlers(options.heartbeatIntervalMs / 3)
    this.#endedMembers = new EndedMembers({ ...around, groupId: options.groupId })
  }

  run(topics: readonly string[]): Promise<void> {
    this.#ended ??= this.#live(topics)
    return this.#ended
  }

  async #live(names: readonly string[]): Promise<void> {
    const [shortest, longest] = RESTART_DELAY_MS
    const { admin, waiting: missing } = this.#around
    const wanted = new WantedTopics({ names, admin, leaving: this.#leaving.signal, missing })
    const watching = this.#watch(wanted).run(names)
    for (let delayMs: number = shortest; !this.#isLeaving(); delayMs = Math.min(longest, 2 * delayMs)) {
      try {
        const topics = await wanted.existing()
        this.aliveAt = performance.now()
        if (topics.size > 0) await this.#memberOnce(topics, wanted)
        if (topics.size > 0) delayMs = shortest
      } catch (error) {
        if (this.#isLeaving()) break
        this.#around.waiting(classifyKafkaError(error, 'joining the group'), [])
      }
      await this.#rest(delayMs)
      this.aliveAt = performance.now()
    }
    await watching
    await this.#around.admin().close()
  }

  #watch(wanted: WantedTopics): TopicWatch {
    return new TopicWatch({
      ids: this.#around.topicIds(),
      admin: this.#around.admin(),
      leaving: this.#leaving.signal,
      joined: () => this.#mayCommit,
      readAnew: (from) => {
        this.#readAnew(from)
      },
      gone: (topic) => {
        wanted.gone(topic)
      },
    })
  }

  /** The position first: what is fetched from the old one is then thrown away. */
  #readAnew({ topic, partition, offset }: Position): void {
    const ours = this.#assigned.some((each) => each.topic === topic && each.partition === partition)
    this.#epoch++
    if (ours) this.#orders.seek({ topic, partition, offset })
    this.#options.handler.outOfRange({ topic, partition })
    if (ours) this.#options.handler.skipped({ topic, partition }, offset)
  }

  /**
   * One membership, from the join to its end. Resolves when missing topics appeared, one is gone, or there are more partitions than
   * handlers; rejects on a crash.
   */
  async #memberOnce(existing: ReadonlyMap<string, number>, wanted: WantedTopics): Promise<void> {
    const crash = new Promise<never>((_, reject) => (this.#crashed = reject))
    crash.catch(() => undefined)
    const consumer = this.#createConsumer()
    const topics = [...existing.keys()]
    const over = new AbortController()
    this.#consumer = consumer
    try {
      await consumer.connect()
      await consumer.subscribe({ topics, fromBeginning: true })
      if (this.#isLeaving()) return
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: this.#handlers.begin(existing.values()),
        eachBatch: (payload) => this.#eachBatch(payload),
      })
      await Promise.race([
        crash,
        aborted(this.#leaving.signal),
        wanted.changed(topics, over.signal),
        this.#handlers.outgrown(),
      ])
      if (!this.#isLeaving()) await this.#options.handler.joining()
      this.#end(undefined)
      await consumer.disconnect()
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error(String(error)))
      await consumer.disconnect().catch(() => undefined)
      throw error
    } finally {
      over.abort()
    }
  }

  #createConsumer(): Consumer {
    const assigner = stickyAssigner(
      () => this.#assigned,
      (cluster) => {
        this.#drainBeforeJoin(cluster)
      },
    )
    const consumer = this.#around.kafka().consumer(consumerConfig(this.#options, assigner))
    const { CRASH, GROUP_JOIN, END_BATCH_PROCESS, FETCH_START, HEARTBEAT } = consumer.events
    consumer.on(CRASH, ({ payload }) => this.#crashed?.(payload.error))
    consumer.on(GROUP_JOIN, ({ payload }) => {
      this.#joined(payload.memberId, payload.memberAssignment)
    })
    consumer.on(END_BATCH_PROCESS, ({ payload }) => {
      if (payload.batchSize > 0) return
      this.#options.handler.skipped(payload, Number(payload.lastOffset) + 1)
    })
    // Its type says that it is a number.
    consumer.on(FETCH_START, ({ payload: { nodeId } }) => {
      this.#fetchBegins(String(nodeId))
    })
    for (const event of [FETCH_START, HEARTBEAT] as const)
      consumer.on(event, () => (this.aliveAt = performance.now()))
    return consumer
  }

  #drainBeforeJoin(cluster: Cluster): void {
    this.#cluster = cluster
    this.#fetchBegins = fenceFetches(cluster, () => this.#epoch)
    const find = cluster.findGroupCoordinator.bind(cluster)
    cluster.findGroupCoordinator = async (group) => {
      this.#pending.abort()
      if (this.#memberId !== undefined) await this.#options.handler.joining()
      this.#mayCommit = false
      // kafkajs would, where it learns that it has left.
      this.#leaving.signal.throwIfAborted()
      const coordinator = await this.#findUntilFound(() => find(group))
      if (this.#memberId === undefined) {
        await Promise.race([this.#endedMembers.remove(coordinator), this.#rest(REMOVE_DEAD_MS)])
      }
      this.#joinFailed = false
      this.#coordinator = coordinator
      return watchCoordinator(coordinator, {
        mustRejoin: () => this.#joinFailed,
        joinFailed: (error) => {
          this.#joinFailed = true
          this.#pending.fail(new CoordinatorLostError(error))
        },
      })
    }
  }

  /** kafkajs gives up after some attempts, and the membership with it; we go on until the drain. */
  async #findUntilFound<T>(find: () => Promise<T>): Promise<T> {
    for (;;) {
      this.aliveAt = performance.now()
      try {
        return await find()
      } catch (error) {
        if (this.#isLeaving()) throw error
        this.#around.waiting(classifyKafkaError(error, 'looking for the coordinator of the group'), [])
      }
      await this.#rest(COORDINATOR_RETRY_MS)
    }
  }

  #joined(memberId: string, assignment: Readonly<Record<string, number[]>>): void {
    this.#pending.abort()
    const continued = memberId === this.#memberId
    this.#memberId = memberId
    this.#assigned = Object.entries(assignment).flatMap(([topic, partitions]) =>
      partitions.map((partition) => ({ topic, partition })),
    )
    this.#pending.renew()
    this.#epoch++
    this.#handlers.assigned(this.#assigned.length)
    this.aliveAt = performance.now()
    const positions = this.#options.handler.joined(this.#assigned, continued)
    this.#mayCommit = true
    for (const position of positions) this.#orders.seek(position)
  }

  async #eachBatch(payload: EachBatchPayload): Promise<void> {
    if (this.#joinFailed) throw new CoordinatorLostError(undefined)
    this.#payload = payload
    if (this.#handlers.tooFew) return
    const epoch = this.#epoch
    const position = await this.#pending.run(
      () => payload.heartbeat(),
      (signal) => this.#options.handler.fetched(toFetched(payload.batch), signal),
    )
    // Else it would be fetched on from here, and not from where it was set to meanwhile; what others had is fetched again.
    if (position === undefined || epoch !== this.#epoch) return
    payload.resolveOffset(resolvable(payload.batch, position))
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#orders.pause(partitions)
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#orders.resume(partitions)
  }

  get canCommit(): boolean {
    return this.#payload !== undefined
  }

  async commit(pending: readonly PendingCommit[]): Promise<void> {
    if (!this.#mayCommit || this.#payload === undefined) {
      throw new EnrichdError('KAFKA_FENCED', 'no commit while the group is being joined', { kind: 'outage' })
    }
    try {
      await this.#payload.commitOffsetsIfNecessary(kafkajsCommit(pending))
    } catch (error) {
      const classified = classifyKafkaError(error, 'committing offsets')
      // The heartbeat would notice only at its next turn.
      if (classified.code === 'KAFKA_UNREACHABLE') this.#pending.fail(new CoordinatorLostError(error))
      throw classified
    }
  }

  committed(partitions: readonly TopicPartition[]): Promise<readonly CommittedMetadata[]> {
    return committedOf(this.#around.admin(), this.#options.groupId, partitions)
  }

  async offsets(partitions: readonly TopicPartition[], edge: PartitionEdge): Promise<readonly Position[]> {
    return this.#cluster === undefined ? [] : partitionOffsets(this.#cluster, partitions, edge)
  }

  leave(timeoutMs: number): Promise<void> {
    this.#left ??= this.#leave(timeoutMs)
    return this.#left
  }

  async #leave(timeoutMs: number): Promise<void> {
    const told = this.#tellCoordinator()
    this.#leaving.abort()
    this.#pending.abort()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeoutMs)))
    await Promise.race([told, this.#ended ?? Promise.resolve(), late])
    clearTimeout(timer)
    this.#end(undefined)
  }

  /** Resolves once the group is left. kafkajs does so too, but only after its fetch loop has waited for `maxWaitTimeInMs`. */
  async #tellCoordinator(): Promise<void> {
    if (this.#coordinator === undefined || this.#memberId === undefined) return this.#ended
    return leaveGroup(this.#coordinator, this.#options.groupId, this.#memberId).catch(() => this.#ended)
  }

  /** The membership is over: fence everything, once. */
  #end(error: Error | undefined): void {
    this.#pending.abort()
    this.#mayCommit = false
    this.#payload = undefined
    if (this.#memberId === undefined && error === undefined) return
    if (error !== undefined && this.#memberId !== undefined) this.#endedMembers.lost(this.#memberId)
    this.#memberId = undefined
    this.#assigned = []
    this.#options.handler.left(error)
  }

  #isLeaving(): boolean {
    return this.#leaving.signal.aborted
  }

  async #rest(delayMs: number): Promise<void> {
    // It takes its listener back: an outage has many rests.
    await pause(delayMs, undefined, { signal: this.#leaving.signal }).catch(() => undefined)
  }
}
