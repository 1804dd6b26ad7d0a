import { setTimeout as sleep } from 'node:timers/promises'
import type { Broker, Cluster, Kafka } from 'kafkajs'

const COORDINATOR_TRIES = 20
const COORDINATOR_RETRY_MS = 250
/** The first group of all, whose topic is still being made, and a coordinator that has just become one. */
const coordinatorInTheMaking: ReadonlySet<unknown> = new Set([
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_LOAD_IN_PROGRESS',
])

/** A broker as kafkajs has it; its types leave these out. */
export type WireBroker = Broker & {
  findGroupCoordinator(request: {
    groupId: string
    coordinatorType: number
  }): Promise<{ coordinator: { nodeId: string } }>
  heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>
  /** By the request's key. */
  readonly versions: Readonly<Record<number, { readonly maxVersion: number } | undefined>>
  readonly connectionPool: { send<T>(exchange: WireExchange<T>): Promise<T> }
}

/** A request as kafkajs' connections take it: for what kafkajs itself does not speak. */
export interface WireExchange<T> {
  readonly request: {
    readonly apiKey: number
    readonly apiVersion: number
    readonly apiName: string
    /** What follows the client's name, with the members of kafkajs' own encoder that are looked at. */
    encode(): Promise<{ readonly buf: Buffer; readonly buffer: Buffer; size(): number }>
  }
  readonly response: {
    /** @param answer what follows the correlation id */
    decode(answer: Buffer): Promise<T>
    parse(decoded: T): Promise<T>
  }
}

/**
 * Single requests to single brokers, which kafkajs' public face does not offer: reading without a group, or asking for a
 * permission. kafkajs hands its connections to partition assigners when a consumer is made; that is the door. The consumer
 * is never run and joins nothing.
 */
export class BrokerAccess {
  readonly #cluster: Cluster
  #connected: Promise<void> | undefined

  constructor(kafka: Kafka) {
    this.#cluster = clusterOf(kafka)
  }

  /** Any broker. */
  async anyone(): Promise<WireBroker> {
    const cluster = await this.#ready()
    await cluster.refreshMetadataIfNecessary()
    return (await cluster.findControllerBroker()) as WireBroker
  }

  /** The broker that leads a partition, after a fresh look at who that is. Undefined where there is no such partition. */
  async leader(topic: string, partition: number): Promise<WireBroker | undefined> {
    const cluster = await this.#ready()
    await cluster.addTargetTopic(topic)
    const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]))
    return nodeId === undefined ? undefined : this.#broker(nodeId)
  }

  /**
   * What a group's coordinator answers. kafkajs' own way to it hides why there is none: that this user may not know the
   * group, above all. Asks again for 5 s while the group has no coordinator yet, or one that still loads.
   */
  async askCoordinator<T>(groupId: string, ask: (coordinator: WireBroker) => Promise<T>): Promise<T> {
    const anyone = await this.anyone()
    for (let left = COORDINATOR_TRIES; ; left--) {
      try {
        const { coordinator } = await anyone.findGroupCoordinator({ groupId, coordinatorType: 0 })
        return await ask(await this.#broker(coordinator.nodeId))
      } catch (error) {
        if (!coordinatorInTheMaking.has((error as { type?: unknown }).type) || left === 0) throw error
        await sleep(COORDINATOR_RETRY_MS)
      }
    }
  }

  /** Forgets who leads what: after an error that says that somebody else does. */
  async refresh(): Promise<void> {
    await (await this.#ready()).refreshMetadata()
  }

  async close(): Promise<void> {
    if (this.#connected !== undefined) await this.#cluster.disconnect()
    this.#connected = undefined
  }

  async #broker(nodeId: string): Promise<WireBroker> {
    return (await this.#cluster.findBroker({ nodeId })) as WireBroker
  }

  async #ready(): Promise<Cluster> {
    this.#connected ??= this.#cluster.connect().catch((error: unknown) => {
      this.#connected = undefined
      throw error
    })
    await this.#connected
    return this.#cluster
  }
}

function clusterOf(kafka: Kafka): Cluster {
  const taken: Cluster[] = []
  kafka.consumer({
    groupId: 'enrichd.inspector',
    allowAutoTopicCreation: false,
    partitionAssigners: [
      ({ cluster }) => {
        taken.push(cluster)
        return {
          name: 'none',
          version: 0,
          assign: () => Promise.resolve([]),
          protocol: () => ({ name: 'none', metadata: Buffer.alloc(0) }),
        }
      },
    ],
  })
  const [cluster] = taken
  if (cluster === undefined) throw new Error('kafkajs did not hand its cluster to the assigner')
  return cluster
}
