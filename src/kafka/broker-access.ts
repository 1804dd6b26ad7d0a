import type { Broker, Cluster, Kafka } from 'kafkajs'

/** A broker as kafkajs has it; its types leave the heartbeat out. */
export type WireBroker = Broker & {
  heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>
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

  /** The broker that leads a partition, after a fresh look at who that is. Undefined where there is no such partition. */
  async leader(topic: string, partition: number): Promise<WireBroker | undefined> {
    const cluster = await this.#ready()
    await cluster.addTargetTopic(topic)
    const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]))
    return nodeId === undefined ? undefined : this.#broker(nodeId)
  }

  async coordinator(groupId: string): Promise<WireBroker> {
    const cluster = await this.#ready()
    return (await cluster.findGroupCoordinator({ groupId })) as WireBroker
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
