import { partitionKey } from '../delivery/partition-key.js'
import type { GroupMember, Position } from '../kafka/kafka-client.js'
import type { Clock } from '../pipeline/clock.js'
import type { OwnedPartition } from './owned-partition.js'

export interface EndWatchOptions {
  readonly member: Pick<GroupMember, 'offsets'>
  /** The partitions that are ours now. */
  readonly owned: () => Iterable<OwnedPartition>
  /** Told each time that it is known where they all end. */
  readonly onLook: () => void
  readonly clock: Clock
}

/** How long it counts as known where a partition ends. */
const knownForMs = 5_000

/**
 * Asks where partitions end of which no fetch has told for five seconds: those that have not had their turn yet, those that are
 * paused, and all of them while the line waits, since nothing is fetched then. Without it the lag would stand still just when it grows.
 *
 * resting ──look()──▶ asking, and again each 5 s, whether or not there was an answer; either ──stop()──▶ stopped
 */
export class EndWatch {
  readonly #options: EndWatchOptions
  #timer: unknown
  #stopped = false

  constructor(options: EndWatchOptions) {
    this.#options = options
  }

  /** Partitions were assigned: looks now, and from now on. */
  look(): void {
    if (this.#stopped) return
    const { clock } = this.#options
    clock.clearTimeout(this.#timer)
    this.#timer = clock.setTimeout(() => {
      this.look()
    }, knownForMs)
    void this.#lookOnce()
  }

  /** Idempotent. */
  stop(): void {
    this.#stopped = true
    this.#options.clock.clearTimeout(this.#timer)
  }

  async #lookOnce(): Promise<void> {
    const { owned, clock, member, onLook } = this.#options
    const nowMs = clock.now()
    const partitions = [...owned()].filter(({ endToldMs }) => endToldMs <= nowMs - knownForMs)
    // By then it is known what was committed.
    await Promise.all(partitions.map(({ ready }) => ready))
    const unread = partitions.filter(({ position }) => position === undefined)
    try {
      const [begins, ends] = await Promise.all([
        member.offsets(unread, 'earliest'),
        member.offsets(partitions, 'end'),
      ])
      each(partitions, begins, (partition, offset) => {
        partition.beginsAt(offset)
      })
      each(partitions, ends, (partition, offset) => {
        // A fetch that came meanwhile knows better.
        if (partition.endToldMs <= nowMs) partition.endsAt(offset, nowMs)
      })
    } catch {
      // The lag stays what it was. That Kafka does not answer is for those to tell who cannot go on without it.
      return
    }
    onLook()
  }
}

function each(
  partitions: readonly OwnedPartition[],
  positions: readonly Position[],
  tell: (partition: OwnedPartition, offset: number) => void,
): void {
  const offsets = new Map(positions.map((position) => [partitionKey(position), position.offset]))
  for (const partition of partitions) {
    const offset = offsets.get(partitionKey(partition))
    if (offset !== undefined) tell(partition, offset)
  }
}
