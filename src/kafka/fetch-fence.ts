import type { Broker, Cluster } from 'kafkajs'
import { hideAborted, type FetchedRecords } from './aborted-records.js'

/**
 * Has aborted records hidden in what a fetch brings (`hideAborted`). And throws away what it brings, an error too, where it was asked
 * for in another epoch: before a rejoin, or before a partition was set to another position.
 *
 * kafkajs has one fetcher for each broker and rejoins in one of them while the others go on. An answer to them that comes after
 * the join would be the first that the new membership sees of a partition: kafkajs and the ledger would go on from there, and
 * what lies between the commit and that position would never be read.
 *
 * @param epoch which one it is now. kafkajs looks for the broker right after it has chosen the offsets, so it is asked then.
 */
export function fenceFetches(cluster: Cluster, epoch: () => number): void {
  const findBroker = cluster.findBroker.bind(cluster)
  cluster.findBroker = async (node) => {
    const askedIn = epoch()
    return fenced(await findBroker(node), () => epoch() === askedIn)
  }
}

function fenced(broker: Broker, isCurrent: () => boolean): Broker {
  const watched = Object.create(broker) as FetchingBroker
  watched.fetch = async (request) => {
    try {
      const answer = await (broker as FetchingBroker).fetch(request)
      if (!isCurrent()) return nothing
      for (const { partitions } of answer.responses) for (const each of partitions) hideAborted(each)
      return answer
    } catch (error) {
      if (isCurrent()) throw error
      return nothing
    }
  }
  return watched
}

/** kafkajs' type of the answer is `any`. */
type FetchingBroker = Omit<Broker, 'fetch'> & {
  fetch: (request: Parameters<Broker['fetch']>[0]) => Promise<{
    readonly responses: readonly { readonly partitions: readonly FetchedRecords[] }[]
  }>
}

const nothing = { responses: [] } as const
