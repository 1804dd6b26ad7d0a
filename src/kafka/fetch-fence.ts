import { setTimeout as pause } from 'node:timers/promises'
import type { Broker, Cluster } from 'kafkajs'
import { partitionKey } from '../delivery/partition-key.js'
import { hideAborted, type FetchedRecords } from './aborted-records.js'
import { FETCH_WAIT_MS } from './consumer-config.js'

/**
 * Has aborted records hidden in what a fetch brings (`hideAborted`), and that offset told as its end up to which may be read. And
 * throws away what it brings, an error too, where it was asked for in another epoch: before a rejoin, or before a partition was
 * set to another position.
 *
 * kafkajs has one fetcher for each broker and rejoins in one of them while the others go on. An answer to them that comes after
 * the join would be the first that the new membership sees of a partition: kafkajs and the ledger would go on from there, and
 * what lies between the commit and that position would never be read.
 *
 * A fetcher keeps the partitions of its last answer until all of them are handed over, also one that has another leader meanwhile.
 * What the new leader's fetcher brings of it kafkajs drops, and fetches it again at once, without end. So it is not asked for.
 *
 * @param epoch which one it is now. kafkajs looks for the broker right after it has chosen the offsets, so it is asked then.
 * @returns to be called with a broker's id at each turn of its fetcher (`FETCH_START`), also one that asks for nothing: by
 *   then its last answer is handed over
 */
export function fenceFetches(cluster: Cluster, epoch: () => number): (node: string) => void {
  const findBroker = cluster.findBroker.bind(cluster)
  const fetchers = new Fetchers(cluster)
  cluster.findBroker = async (node) => {
    const askedIn = epoch()
    const { nodeId } = node
    const broker = (await findBroker(node)) as FetchingBroker
    const fenced = Object.create(broker) as FetchingBroker
    fenced.fetch = async (request) => {
      const topics = fetchers.free(request.topics)
      if (topics.length === 0) {
        await pause(FETCH_WAIT_MS)
        return nothing
      }
      try {
        const answer = await broker.fetch({ ...request, topics })
        if (epoch() !== askedIn) return nothing
        for (const each of answer.responses.flatMap(({ partitions }) => partitions)) {
          hideAborted(each)
          if (request.isolationLevel === readCommitted) each.highWatermark = endOfCommitted(each)
        }
        fetchers.answered(nodeId, answer)
        return answer
      } catch (error) {
        if (epoch() === askedIn) throw error
        return nothing
      }
    }
    return fenced
  }
  return (node) => {
    fetchers.handedOver(node)
  }
}

/**
 * Which partitions each broker's fetcher keeps, at most: kafkajs drops some of an answer's, and they count until the answer is handed
 * over all the same.
 *
 * handed over, nothing kept → answered → handed over
 */
class Fetchers {
  readonly #cluster: Cluster
  /** By the broker's id. */
  readonly #kept = new Map<string, ReadonlySet<string>>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  handedOver(node: string): void {
    this.#kept.delete(node)
  }

  /** What no fetcher keeps. Whoever asks has handed over what was its own. */
  free(topics: FetchTopics): FetchTopics {
    const kept = this.#keptNow()
    if (kept.length === 0) return topics
    return topics
      .map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.filter(({ partition }) => {
          const key = partitionKey({ topic, partition })
          return !kept.some((keys) => keys.has(key))
        }),
      }))
      .filter(({ partitions }) => partitions.length > 0)
  }

  answered(node: string, { responses }: FetchAnswer): void {
    const keys = responses.flatMap(({ topicName, partitions }) =>
      partitions.map(({ partition }) => partitionKey({ topic: topicName, partition })),
    )
    this.#kept.set(node, new Set(keys))
  }

  /** A broker that is gone has no fetcher. */
  #keptNow(): readonly ReadonlySet<string>[] {
    if (this.#kept.size === 0) return []
    const nodes = new Set(this.#cluster.getNodeIds().map(String))
    return [...this.#kept].filter(([node]) => nodes.has(node)).map(([, keys]) => keys)
  }
}

type FetchRequest = Parameters<Broker['fetch']>[0]
type FetchTopics = FetchRequest['topics']

interface FetchedPartition extends FetchedRecords {
  readonly partition: number
  /** Where kafkajs takes a position from it, it is that of an answer without records, which nobody uses. */
  highWatermark: string
  /** Where the first open transaction begins, or the high watermark. Missing before Kafka 0.11, -1 for unknown. */
  readonly lastStableOffset?: string
}

interface FetchAnswer {
  readonly responses: readonly {
    readonly topicName: string
    readonly partitions: readonly FetchedPartition[]
  }[]
}

/** kafkajs' type of the answer is `any`. */
type FetchingBroker = Omit<Broker, 'fetch'> & { fetch: (request: FetchRequest) => Promise<FetchAnswer> }

function endOfCommitted({ highWatermark, lastStableOffset = unknown }: FetchedPartition): string {
  return lastStableOffset === unknown ? highWatermark : lastStableOffset
}

const unknown = '-1'
/** In the protocol. */
const readCommitted = 1

const nothing = { responses: [] } as const
