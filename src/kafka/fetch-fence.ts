import { setTimeout as pause } from 'node:timers/promises'
import type { Broker, Cluster } from 'kafkajs'
import { partitionKey } from '../delivery/partition-key.js'
import { hideAborted, type FetchedRecords } from './aborted-records.js'
import { FETCH_WAIT_MS } from './consumer-config.js'

export interface FetchFenceOptions {
  /** Which one it is now. kafkajs looks for the broker right after it has chosen the offsets, so it is asked then. */
  readonly epoch: () => number
  /** The keys of the partitions that are being handed over. */
  readonly handing: () => ReadonlySet<string>
}

/**
 * Has aborted records hidden in what a fetch brings (`hideAborted`). And throws away what it brings, an error too, where it was asked
 * for in another epoch: before a rejoin, or before a partition was set to another position.
 *
 * kafkajs has one fetcher for each broker and rejoins in one of them while the others go on. An answer to them that comes after
 * the join would be the first that the new membership sees of a partition: kafkajs and the ledger would go on from there, and
 * what lies between the commit and that position would never be read.
 *
 * A fetcher keeps the partitions of its last answer until all of them are handed over, also one that has another leader meanwhile.
 * What the new leader's fetcher brings of it kafkajs drops, and fetches it again at once, without end. So it is not asked for.
 */
export function fenceFetches(cluster: Cluster, { epoch, handing }: FetchFenceOptions): void {
  const findBroker = cluster.findBroker.bind(cluster)
  const fetchers = new Fetchers(handing)
  cluster.findBroker = async (node) => {
    const askedIn = epoch()
    const broker = (await findBroker(node)) as FetchingBroker
    const fenced = Object.create(broker) as FetchingBroker
    fenced.fetch = async (request) => {
      const topics = fetchers.begin(node.nodeId, request.topics)
      if (topics.length === 0) {
        await pause(FETCH_WAIT_MS)
        return nothing
      }
      try {
        const answer = await broker.fetch({ ...request, topics })
        if (epoch() !== askedIn) return nothing
        for (const { partitions } of answer.responses) for (const each of partitions) hideAborted(each)
        fetchers.answered(node.nodeId, answer)
        return answer
      } catch (error) {
        if (epoch() === askedIn) throw error
        return nothing
      }
    }
    return fenced
  }
}

/** Which partitions each broker's fetcher keeps. */
class Fetchers {
  readonly #handing: () => ReadonlySet<string>
  readonly #kept = new Map<string, readonly string[]>()

  constructor(handing: () => ReadonlySet<string>) {
    this.#handing = handing
  }

  /** A fetcher has handed over its last answer. @returns what it may ask for: not what others keep */
  begin(node: string, topics: FetchTopics): FetchTopics {
    this.#kept.delete(node)
    const kept = this.#keptByOthers()
    if (kept.size === 0) return topics
    return topics
      .map(({ topic, partitions }) => {
        const free = partitions.filter(({ partition }) => !kept.has(partitionKey({ topic, partition })))
        return { topic, partitions: free }
      })
      .filter(({ partitions }) => partitions.length > 0)
  }

  answered(node: string, { responses }: FetchAnswer): void {
    const keys = responses.flatMap(({ topicName, partitions }) =>
      partitions.map(({ partition }) => partitionKey({ topic: topicName, partition })),
    )
    this.#kept.set(node, keys)
  }

  /** Fetchers that are no more, as after a rejoin, have left nothing that is being handed over. */
  #keptByOthers(): ReadonlySet<string> {
    const handing = this.#handing()
    const pending = [...this.#kept.values()].filter((keys) => keys.some((key) => handing.has(key)))
    return new Set(pending.flat())
  }
}

type FetchRequest = Parameters<Broker['fetch']>[0]
type FetchTopics = FetchRequest['topics']

interface FetchAnswer {
  readonly responses: readonly {
    readonly topicName: string
    readonly partitions: readonly (FetchedRecords & { readonly partition: number })[]
  }[]
}

/** kafkajs' type of the answer is `any`. */
type FetchingBroker = Omit<Broker, 'fetch'> & { fetch: (request: FetchRequest) => Promise<FetchAnswer> }

const nothing = { responses: [] } as const
