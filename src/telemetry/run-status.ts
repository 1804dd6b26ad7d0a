import type { Clock } from '../pipeline/clock.js'
import { bottleneck, type FlowLimits, type FlowView } from './bottleneck.js'
import type { DependencyBoard, DependencyStatus } from './dependency-board.js'
import type { FlowRates, FlowSampler } from './flow-sampler.js'
import type { RunCounts } from './run-counts.js'
import type { TopicPartition } from './telemetry.js'

/** What the source holds now. */
export interface SourceView {
  readonly joined: boolean
  /** Records read and not handed out yet. */
  readonly waiting: number
  /** Records handed out and not finished. */
  readonly inFlight: number
  readonly bufferedBytes: number
  readonly partitions: readonly PartitionView[]
}

export interface PartitionView extends TopicPartition {
  readonly committed: number | undefined
  /** Where reading goes on. */
  readonly position: number | undefined
  readonly highWatermark: number | undefined
  readonly unsettled: number
  readonly paused: boolean
}

/** The drain under way. */
interface DrainView {
  readonly reason: string
  readonly forMs: number
  /** Until what is still in flight is cut off. */
  readonly msLeft: number
}

/** Looked at when somebody asks, never on the hot path. */
export interface LiveViews {
  readonly source?: () => SourceView
  readonly drain?: () => DrainView | undefined
}

/** `/status`: the same as the metrics, as one object. Durations in ms, sizes in bytes, rates are means over 5 s. */
export interface StatusSnapshot {
  readonly state: string
  readonly version: string
  readonly time: string
  readonly uptimeMs: number
  readonly bottleneck: { readonly at: string; readonly sentence: string }
  readonly counters: {
    readonly processed: number
    readonly errors: number
    readonly retried: number
    readonly dropped: number
    readonly released: number
    readonly rejectedByReason: Readonly<Record<string, number>>
    readonly droppedByPolicy: Readonly<Record<string, number>>
  }
  readonly rates: FlowRates
  readonly nlp: {
    readonly inFlight: number
    readonly limit: number
    readonly ok: number
    readonly failed: number
    readonly cache: { readonly hits: number; readonly coalesced: number; readonly misses: number }
  }
  readonly bulk: {
    readonly inFlight: number
    readonly ok: number
    readonly partial: number
    readonly failed: number
  }
  readonly buffered: { readonly records: number; readonly bytes: number }
  /** Undefined (left out) until it is known. */
  readonly lag: number | undefined
  readonly partitions: readonly (PartitionView & { readonly lag: number | undefined })[]
  readonly dependencies: readonly DependencyStatus[]
  readonly drain: DrainView | undefined
}

export interface RunStatusOptions {
  readonly counts: RunCounts
  readonly board: DependencyBoard
  readonly sampler: FlowSampler
  readonly clock: Clock
  readonly version: string
  readonly limits: Omit<FlowLimits, 'nlp' | 'nlpConfigured'> & { readonly nlp: number }
}

/** What the daemon is doing now, put together when somebody asks. */
export class RunStatus {
  readonly #options: RunStatusOptions
  readonly #startedMs: number
  /** The daemon's state, as its lifecycle last told it. */
  state = 'starting'
  live: LiveViews = {}

  constructor(options: RunStatusOptions) {
    this.#options = options
    this.#startedMs = options.clock.now()
  }

  get partitions(): readonly PartitionView[] {
    return this.live.source?.().partitions ?? []
  }

  get lag(): number | undefined {
    return sumOfLags(this.partitions)
  }

  /** Records handed out by the source and not finished; without a source to ask, NLP calls. */
  get inFlight(): number {
    return this.live.source?.().inFlight ?? this.#options.counts.nlp.inFlight.value
  }

  /** Records and bytes held, waiting or in flight. */
  get buffered(): { readonly records: number; readonly bytes: number } {
    const source = this.live.source?.()
    if (source === undefined) return this.#options.counts.buffered
    return { records: source.waiting + source.inFlight, bytes: source.bufferedBytes }
  }

  get flow(): FlowView {
    const { counts, board, sampler, limits } = this.#options
    const { partitions } = this
    return {
      state: this.state,
      dependencies: board.statuses,
      rates: sampler.rates,
      limits: { ...limits, nlp: counts.nlp.limit || limits.nlp, nlpConfigured: limits.nlp },
      lag: sumOfLags(partitions),
      buffered: this.buffered,
      partitions: partitions.length,
      pausedPartitions: partitions.filter(({ paused }) => paused).length,
    }
  }

  snapshot(): StatusSnapshot {
    const { counts, clock, version } = this.#options
    const { flow, state, partitions } = this
    const { inFlight, ok, failed } = counts.nlp
    return {
      state,
      version,
      time: new Date().toISOString(),
      uptimeMs: Math.round(clock.now() - this.#startedMs),
      bottleneck: bottleneck(flow),
      counters: countersOf(counts),
      rates: flow.rates,
      nlp: { inFlight: inFlight.value, limit: flow.limits.nlp, ok, failed, cache: { ...counts.cache } },
      bulk: {
        inFlight: counts.bulk.inFlight.value,
        ok: counts.bulk.ok,
        partial: counts.bulk.partial,
        failed: counts.bulk.failed,
      },
      buffered: { ...flow.buffered },
      lag: flow.lag,
      partitions: partitions.map((partition) => ({ ...partition, lag: lagOf(partition) })),
      dependencies: flow.dependencies,
      drain: this.live.drain?.(),
    }
  }
}

/** Records that are in Kafka and not committed; undefined until Kafka has said where the partition ends. */
export function lagOf({ committed, position, unsettled, highWatermark }: PartitionView): number | undefined {
  if (highWatermark === undefined) return undefined
  const done = committed ?? (position === undefined ? undefined : position - unsettled)
  return done === undefined ? undefined : Math.max(0, highWatermark - done)
}

/** Of all partitions of which it is known; undefined where it is known of none. */
export function sumOfLags(partitions: readonly PartitionView[]): number | undefined {
  const lags = partitions.map(lagOf).filter((lag) => lag !== undefined)
  return lags.length === 0 ? undefined : lags.reduce((sum, lag) => sum + lag, 0)
}

function countersOf(counts: RunCounts): StatusSnapshot['counters'] {
  return {
    processed: counts.indexed,
    errors: counts.deadLettered,
    retried: counts.retries.total,
    dropped: counts.droppedInAll,
    released: counts.released,
    rejectedByReason: Object.fromEntries(counts.rejected.entries()),
    droppedByPolicy: Object.fromEntries(counts.dropped.entries()),
  }
}
