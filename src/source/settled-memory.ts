import { partitionKey } from '../delivery/partition-key.js'
import type { OffsetRange } from '../delivery/settled-ranges.js'
import type { TopicPartition } from '../telemetry/telemetry.js'
import type { OwnedPartition } from './owned-partition.js'

interface Remembered {
  /** The last commit that we know of. */
  readonly committed: number
  readonly settled: OffsetRange[]
}

/**
 * What was settled in partitions that were taken from us before it could be committed. A member that Kafka was silent to
 * usually gets its partitions back, and need not pay for those records twice.
 *
 * Bounds: one entry for each partition that was lost with something uncommitted, of as many ranges as its ledger had.
 */
export class SettledMemory {
  readonly #lost = new Map<string, Remembered>()

  /** The partition is ours no more. Where no commit of it is known, nothing can be said of it either. */
  keep(owned: OwnedPartition): void {
    const { committed } = owned
    this.forget(owned)
    if (committed === undefined) return
    const settled = [...owned.settledBeyond(committed)]
    if (settled.length > 0 || owned.ledger.unsettled > 0)
      this.#lost.set(partitionKey(owned), { committed, settled })
  }

  /** A record that was on its way when its partition was lost has been settled after all. */
  settled(record: TopicPartition & { readonly offset: number }): void {
    this.#lost.get(partitionKey(record))?.settled.push([record.offset, record.offset + 1])
  }

  /** What this partition held before means nothing any more. */
  forget(partition: TopicPartition): void {
    this.#lost.delete(partitionKey(partition))
  }

  /**
   * The partition is ours again: what we had settled of it from `committed` on, ascending and disjoint, joined with what
   * its owners say in `ranges`. Where the group's offset went back meanwhile, on purpose or with its topic, nothing of ours counts.
   */
  recall(
    partition: TopicPartition,
    { committed, ranges }: { readonly committed: number; readonly ranges: readonly OffsetRange[] },
  ): readonly OffsetRange[] {
    const lost = this.#lost.get(partitionKey(partition))
    this.forget(partition)
    return lost === undefined || committed < lost.committed ? ranges : joined([...lost.settled, ...ranges])
  }
}

function joined(ranges: readonly OffsetRange[]): readonly OffsetRange[] {
  const result: [number, number][] = []
  for (const [from, to] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const last = result.at(-1)
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to)
    else result.push([from, to])
  }
  return result
}
