import type { SourceRecord } from '../delivery/delivery.js'
import type { FetchedBatch, GroupMember } from '../kafka/kafka-client.js'
import type { Clock } from '../pipeline/clock.js'
import { toSourceRecord, type OwnedPartition } from './owned-partition.js'
import type { RecordFeed } from './record-feed.js'

export interface HandOverOptions {
  readonly feed: RecordFeed
  readonly member: Pick<GroupMember, 'pause' | 'resume'>
  /** How many partitions are ours. */
  readonly partitions: () => number
  /** Unsettled records of one partition; 1 or more. */
  readonly maxUnsettledPerPartition: number
  readonly clock: Clock
}

/** Offsets remembered behind unsettled ones, over all partitions: the bound on the ledgers' memory (9 bytes each). */
const MAX_SPAN_IN_ALL = 400_000
const MIN_SPAN_PER_PARTITION = 10_000

/** Nothing to wait for, but others come first. */
const turn = Promise.resolve()

/** The records of one partition in one fetch. */
interface Fetch {
  readonly owned: OwnedPartition
  /** Aborted: nothing of it may pass any more. */
  readonly signal: AbortSignal
  readonly beganMs: number
}

/**
 * The way of what was fetched into the feed, in offset order for each partition; partitions take turns. Back pressure: it waits while
 * the feed has no room. A partition with too many unsettled records is paused, and its alone, until half of them are settled.
 *
 * The client fetches nothing before all of a fetch is handed over, which takes minutes where the line is slow. So it gives way when
 * it is told that other partitions have records: what is left of the fetch is then fetched again.
 */
export class HandOver {
  readonly #options: HandOverOptions
  #othersWaitSinceMs = -Infinity
  /** What the feed had handed out when others were last given way to. */
  #taken = 0

  /** @throws RangeError for a bound that is none */
  constructor(options: HandOverOptions) {
    const { maxUnsettledPerPartition } = options
    if (!(maxUnsettledPerPartition >= 1)) {
      throw new RangeError(`maxUnsettledPerPartition: expected 1 or more, got ${maxUnsettledPerPartition}`)
    }
    this.#options = options
  }

  /** @returns where reading goes on: behind the batch, or at its first record that may not pass */
  async run(batch: FetchedBatch, owned: OwnedPartition, signal: AbortSignal): Promise<number> {
    const { feed, clock } = this.#options
    const fetch = { owned, signal, beganMs: clock.now() }
    owned.handing = true
    try {
      for (const message of batch.messages) {
        const record = toSourceRecord(owned, message)
        if (owned.hasSeen(record.offset)) continue
        // For each record, also where there is room: so the handlers of several partitions take turns.
        await turn
        let mayPass = this.#mayPass(record, fetch)
        while (mayPass === undefined) {
          // Those that come first would take the bytes that it waits for, again and again.
          const keepsItsPlace = !feed.fits(record)
          await feed.roomMayBe(signal)
          const givesWay = fetch.beganMs < this.#othersWaitSinceMs && !keepsItsPlace
          mayPass = givesWay ? false : this.#mayPass(record, fetch)
        }
        if (!mayPass) return owned.ledger.position ?? Number(batch.messages[0]?.offset)
        owned.ledger.track(record.offset)
        if (owned.wasSettled(record.offset)) owned.ledger.settle(record.offset)
        else feed.push(record)
      }
      owned.ledger.advance(batch.endPosition)
      return batch.endPosition
    } finally {
      owned.handing = false
    }
  }

  /** A record of it was settled. */
  settled(owned: OwnedPartition): void {
    if (!owned.paused || !this.#hasSlack(owned)) return
    owned.paused = false
    this.#options.member.resume([owned])
  }

  /** Partitions of which nothing is being handed over have records. While the line stands still it makes no difference. */
  giveWay(): void {
    const { feed, clock } = this.#options
    if (feed.taken === this.#taken) return
    this.#taken = feed.taken
    this.#othersWaitSinceMs = clock.now()
    feed.wake()
  }

  /** Undefined where it has to wait for room. */
  #mayPass(record: SourceRecord, { owned, signal }: Fetch): boolean | undefined {
    const { feed, member } = this.#options
    if (signal.aborted || feed.ended || owned.lease.aborted) return false
    if (this.#isFull(owned)) {
      owned.paused = true
      member.pause([owned])
      return false
    }
    return feed.hasRoom(record) ? true : undefined
  }

  #isFull({ ledger }: OwnedPartition): boolean {
    return ledger.unsettled >= this.#options.maxUnsettledPerPartition || ledger.span >= this.#maxSpan()
  }

  #hasSlack({ ledger }: OwnedPartition): boolean {
    return (
      ledger.unsettled <= this.#options.maxUnsettledPerPartition / 2 && ledger.span <= this.#maxSpan() / 2
    )
  }

  #maxSpan(): number {
    const partitions = Math.max(1, this.#options.partitions())
    return Math.max(MIN_SPAN_PER_PARTITION, Math.floor(MAX_SPAN_IN_ALL / partitions))
  }
}
