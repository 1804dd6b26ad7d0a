import type { SourceRecord } from '../delivery/delivery.js'
import { Committer, type PendingCommit } from '../delivery/committer.js'
import { partitionKey } from '../delivery/partition-key.js'
import { decodeSettledRanges } from '../delivery/settled-ranges.js'
import { EnrichdError } from '../errors.js'
import type {
  FetchedBatch,
  GroupHandler,
  GroupMember,
  GroupMemberOptions,
  KafkaClient,
  Position,
} from '../kafka/kafka-client.js'
import type { Clock } from '../pipeline/clock.js'
import type { Telemetry, TopicPartition } from '../telemetry/telemetry.js'
import { EndWatch } from './end-watch.js'
import { HandOver } from './hand-over.js'
import { OwnedPartition, type Uncommitted } from './owned-partition.js'
import { RecordFeed } from './record-feed.js'
import type { RecordSource, SourceState } from './record-source.js'
import { SettledMemory } from './settled-memory.js'

export interface KafkaSourceOptions {
  readonly client: KafkaClient
  /** Finds the names of the topics to read, once, before the group is joined. Rejects where the drain came first. */
  readonly topics: () => Promise<readonly string[]>
  readonly group: Omit<GroupMemberOptions, 'handler' | 'fetchMaxBytes'>
  /** Records that wait to be taken; 1 or more. */
  readonly bufferSize: number
  /** Bytes of records held in all, from the fetch to the settlement; 1 or more. */
  readonly maxBufferedBytes: number
  /** Unsettled records of one partition; 1 or more. At the bound its fetching is paused, and its alone. */
  readonly maxUnsettledPerPartition: number
  readonly commitIntervalMs: number
  /** How long a rebalance waits for what is in flight, in ms. */
  readonly rebalanceDrainMs: number
  readonly telemetry: Telemetry
  readonly clock: Clock
}

const MIN_FETCH_BYTES = 65_536
const MAX_FETCH_BYTES = 1_048_576
/** A fetch is held beside the records that were copied out of it, and once more while it comes in. */
const FETCHES_IN_BUFFER = 8

/**
 * Kafka topics as an asynchronous iterable of records, with the ledger of what became of each.
 *
 * Back pressure: while the feed is full, the fetch handlers wait (the member keeps the heartbeat); a partition with too
 * many unsettled records is paused alone (`HandOver`). Partitions take turns, also those that are not in the fetch which is being
 * handed over (`EndWatch`). Every record handed out comes back by `settle` or `release`, once.
 *
 * Membership: waiting → joined ⇄ holding (a rebalance: nothing is handed out, what is in flight finishes and is
 * committed) → draining → left. A partition that moves takes its lease with it: what waited is forgotten, what is in
 * flight comes back released. A partition that stays goes on where it was: nothing runs a second time.
 */
export class KafkaSource implements RecordSource {
  readonly #options: KafkaSourceOptions
  readonly #feed: RecordFeed
  readonly #member: GroupMember
  readonly #handOver: HandOver
  readonly #committer: Committer
  readonly #ends: EndWatch
  readonly #owned = new Map<string, OwnedPartition>()
  /** The same by the lease of their records: looked up for every record, and a name would have to be put together for it. */
  readonly #leased = new Map<AbortSignal, OwnedPartition>()
  readonly #memory = new SettledMemory()
  #joined = false
  #isMember = false
  /** Between the news of a rebalance and the new assignment. */
  #joining = false
  #onJoined: () => void = () => undefined

  constructor(options: KafkaSourceOptions) {
    const { maxBufferedBytes, clock } = options
    this.#options = options
    this.#feed = new RecordFeed(options)
    const fetchMaxBytes = Math.max(
      MIN_FETCH_BYTES,
      Math.min(MAX_FETCH_BYTES, Math.floor(maxBufferedBytes / FETCHES_IN_BUFFER)),
    )
    this.#member = options.client.member({ ...options.group, fetchMaxBytes, handler: this.#handler() })
    this.#handOver = new HandOver({
      ...options,
      feed: this.#feed,
      member: this.#member,
      partitions: () => this.#owned.size,
    })
    this.#ends = new EndWatch({
      member: this.#member,
      owned: () => this.#owned.values(),
      onLook: () => {
        if ([...this.#owned.values()].some(({ waits }) => waits)) this.#handOver.giveWay()
      },
      clock,
    })
    this.#committer = new Committer({
      intervalMs: options.commitIntervalMs,
      clock,
      collect: () =>
        this.#member.canCommit ? [...this.#owned.values()].flatMap((owned) => owned.pendingCommit()) : [],
      commit: (pending) => this.#member.commit(pending),
      committed: (pending) => {
        this.#noteCommitted(pending)
      },
      failed: (error) => {
        this.#commitFailed(toEnrichdError(error))
      },
      slow: () => {
        this.#feed.hold()
      },
    })
  }

  async start(onJoined: () => void): Promise<void> {
    this.#onJoined = onJoined
    try {
      await this.#member.run(await this.#options.topics())
    } catch (error) {
      if (!this.#feed.ended) throw error
    }
  }

  get joined(): boolean {
    return this.#joined
  }

  /** To wait for Kafka, for a topic or for the group is to be alive: other members may take the group's time-out to join. */
  get aliveAt(): number {
    return this.#isMember && !this.#joining ? this.#member.aliveAt : performance.now()
  }

  get waiting(): number {
    return this.#feed.waiting
  }

  get state(): SourceState {
    return {
      joined: this.#joined,
      waiting: this.waiting,
      inFlight: this.#feed.inFlight,
      bufferedBytes: this.#feed.bytes,
      partitions: [...this.#owned.values()].map((owned) => owned.state),
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<SourceRecord> {
    return this.#feed[Symbol.asyncIterator]()
  }

  /** The record is done, downstream has it for certain: its offset may be committed. */
  settle(record: SourceRecord): void {
    this.#feed.finished(record)
    const owned = this.#leased.get(record.lease)
    if (owned === undefined) {
      this.#memory.settled(record)
      return
    }
    owned.ledger.settle(record.offset)
    this.#handOver.settled(owned)
    this.#committer.touch()
  }

  /** The record is left for whoever reads it next: it stays unsettled, so that nothing is committed past it. */
  release(record: SourceRecord): void {
    this.#feed.finished(record)
  }

  beginDrain(): number {
    this.#member.pause([...this.#owned.values()])
    return this.#feed.end()
  }

  async commit(): Promise<boolean> {
    return this.#committer.flush()
  }

  get uncommitted(): readonly Uncommitted[] {
    return [...this.#owned.values()].flatMap((owned) => owned.uncommitted)
  }

  async leave(timeoutMs: number): Promise<void> {
    this.beginDrain()
    this.#committer.stop()
    this.#ends.stop()
    await this.#member.leave(timeoutMs)
  }

  #handler(): GroupHandler {
    return {
      joining: () => this.#drainBeforeJoin(),
      joined: (assignment, continued) => this.#assigned(assignment, continued),
      fetched: (batch, signal) => this.#fetched(batch, signal),
      skipped: (partition, position) => {
        this.#owned.get(partitionKey(partition))?.ledger.advance(position)
        this.#committer.touch()
      },
      outOfRange: (partition) => {
        this.#restart(partition)
      },
      left: (error) => {
        this.#joining = false
        this.#isMember = false
        this.#revoke([...this.#owned.values()])
        this.#feed.flow()
        if (error !== undefined) this.#options.telemetry.dependencyDown('kafka', toEnrichdError(error))
      },
    }
  }

  async #drainBeforeJoin(): Promise<void> {
    this.#joining = true
    this.#feed.hold()
    if (this.#owned.size === 0) return
    await this.#feed.idle(this.#options.rebalanceDrainMs)
    await this.#committer.flush()
  }

  #assigned(assignment: readonly TopicPartition[], continued: boolean): readonly Position[] {
    const stays = new Set(continued ? assignment.map(partitionKey) : [])
    this.#revoke([...this.#owned.values()].filter((owned) => !stays.has(partitionKey(owned))))
    const kept = [...this.#owned.values()]
    const gained = assignment
      .filter((each) => !this.#owned.has(partitionKey(each)))
      .map((each) => new OwnedPartition(each))
    for (const owned of gained) this.#own(owned)
    if (gained.length > 0) this.#recallSettled(gained)
    // The client remembers what was paused when it was ours before.
    this.#member.resume(gained)
    this.#member.pause(this.#feed.ended ? assignment : kept.filter(({ paused }) => paused))
    this.#options.telemetry.assigned(assignment, kept.length)
    if (!this.#joined) this.#onJoined()
    this.#joined = true
    this.#isMember = true
    this.#joining = false
    this.#feed.flow()
    this.#ends.look()
    return kept.flatMap((owned) => owned.readFrom)
  }

  #own(owned: OwnedPartition): void {
    this.#owned.set(partitionKey(owned), owned)
    this.#leased.set(owned.lease, owned)
  }

  /** What the owner before us had settled beyond its commit is skipped; asked for before the first record passes. */
  #recallSettled(gained: readonly OwnedPartition[]): void {
    const asked = this.#member.committed(gained).then(
      (commits) => {
        for (const commit of commits) {
          const owned = gained.find((each) => partitionKey(each) === partitionKey(commit))
          const ranges = decodeSettledRanges(commit.offset, commit.metadata)
          owned?.resumeFrom(commit.offset, this.#memory.recall(commit, { committed: commit.offset, ranges }))
        }
      },
      (error: unknown) => {
        // What is not known to be settled is read again: safe, it only costs calls.
        this.#options.telemetry.commitFailed(toEnrichdError(error))
      },
    )
    for (const owned of gained) owned.ready = asked
  }

  #revoke(partitions: readonly OwnedPartition[]): void {
    if (partitions.length === 0) return
    for (const owned of partitions) {
      this.#owned.delete(partitionKey(owned))
      this.#leased.delete(owned.lease)
      this.#memory.keep(owned)
      owned.end()
    }
    this.#feed.forgetEnded()
    this.#options.telemetry.revoked(partitions, this.#feed.inFlight)
  }

  /** The offsets that we knew are gone: what is in flight is released, and reading begins anew. */
  #restart(partition: TopicPartition): void {
    const owned = this.#owned.get(partitionKey(partition))
    if (owned !== undefined) {
      const expected = owned.ledger.position ?? owned.committed ?? 0
      this.#options.telemetry.offsetsOutOfRange(partition, expected)
      this.#revoke([owned])
      this.#own(new OwnedPartition(partition))
      if (!this.#feed.ended) this.#member.resume([partition])
    }
    this.#memory.forget(partition)
  }

  async #fetched(batch: FetchedBatch, signal: AbortSignal): Promise<number> {
    const owned = this.#owned.get(partitionKey(batch))
    if (owned === undefined) return Number(batch.messages[0]?.offset ?? 0)
    await owned.ready
    owned.endsAt(batch.highWatermark, this.#options.clock.now())
    this.#options.telemetry.fetched(batch, batch.messages.length, batch.highWatermark)
    const position = await this.#handOver.run(batch, owned, signal)
    this.#committer.touch()
    return position
  }

  /**
   * What cannot be committed is better not begun: the next owner would pay for it again. What is in flight finishes. The same
   * while a commit hangs.
   */
  #commitFailed(error: EnrichdError): void {
    this.#feed.hold()
    if (error.code !== 'KAFKA_FENCED') this.#options.telemetry.commitFailed(error)
  }

  #noteCommitted(pending: readonly PendingCommit[]): void {
    for (const commit of pending) this.#owned.get(partitionKey(commit))?.noteCommitted(commit)
    if (!this.#joining) this.#feed.flow()
    this.#options.telemetry.committed(pending)
  }
}

function toEnrichdError(error: unknown): EnrichdError {
  if (error instanceof EnrichdError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new EnrichdError('KAFKA_FAILED', message, { kind: 'outage', cause: error })
}
