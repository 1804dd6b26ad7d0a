import type { DependencyBoard } from './dependency-board.js'
import type { LabelledCounts, RunCounts } from './run-counts.js'
import { lagOf, type PartitionView, type RunStatus } from './run-status.js'

/** What metrics are read from when they are asked for. */
export interface MetricSources {
  readonly counts: RunCounts
  readonly board: DependencyBoard
  readonly status: RunStatus
  readonly version: string
  readonly linesLost: () => number
}

type Reading = readonly [value: number, labels?: Readonly<Record<string, string>>]

/** One metric, written down once: here. */
export interface MetricDefinition {
  readonly type: 'counter' | 'gauge'
  readonly name: `enrichd_${string}`
  readonly help: string
  readonly labels: readonly string[]
  readonly read: (sources: MetricSources) => Iterable<Reading>
}

export interface HistogramDefinition {
  readonly name: `enrichd_${string}`
  readonly help: string
  readonly buckets: readonly number[]
}

/** Observed as they happen; everything else is read from the counts when somebody asks. */
export const histogramDefinitions = {
  nlpSeconds: {
    name: 'enrichd_nlp_request_duration_seconds',
    help: 'How long one call of the NLP service took, failed ones included.',
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  },
  bulkSeconds: {
    name: 'enrichd_bulk_duration_seconds',
    help: 'How long one bulk request to Elasticsearch took, failed ones included.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  },
  bulkSize: {
    name: 'enrichd_bulk_size',
    help: 'Documents in one bulk request.',
    buckets: [1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000],
  },
  endToEndSeconds: {
    name: 'enrichd_end_to_end_seconds',
    help: 'From a record’s Kafka timestamp until it was indexed or became a dead letter.',
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 86400],
  },
} as const satisfies Record<string, HistogramDefinition>

const labelled = (counts: LabelledCounts, label: string): Reading[] =>
  [...counts.entries()].map(([value, count]) => [count, { [label]: value }])

const perPartition = (
  { status }: MetricSources,
  read: (partition: PartitionView) => number | undefined,
): Reading[] =>
  status.partitions.flatMap((view) => {
    const value = read(view)
    const { topic, partition } = view
    return value === undefined ? [] : [[value, { topic, partition: String(partition) }] as const]
  })

export const metricDefinitions: readonly MetricDefinition[] = [
  {
    type: 'gauge',
    name: 'enrichd_info',
    help: 'Always 1; which version runs.',
    labels: ['version'],
    read: ({ version }) => [[1, { version }]],
  },
  {
    type: 'counter',
    name: 'enrichd_records_total',
    help: 'Records by how they ended: indexed, dead_lettered, dropped (by a policy of yours), released (left in Kafka).',
    labels: ['outcome'],
    read: ({ counts }) => [
      [counts.indexed, { outcome: 'indexed' }],
      [counts.deadLettered, { outcome: 'dead_lettered' }],
      [counts.droppedInAll, { outcome: 'dropped' }],
      [counts.released, { outcome: 'released' }],
    ],
  },
  {
    type: 'counter',
    name: 'enrichd_rejected_records_total',
    help: 'Dead letters by reason, as in their header enrichd-reason.',
    labels: ['reason'],
    read: ({ counts }) => labelled(counts.rejected, 'reason'),
  },
  {
    type: 'counter',
    name: 'enrichd_dropped_records_total',
    help: 'Records dropped, by the setting that drops them.',
    labels: ['policy'],
    read: ({ counts }) => labelled(counts.dropped, 'policy'),
  },
  {
    type: 'counter',
    name: 'enrichd_fetched_records_total',
    help: 'Records read from Kafka, those of a redelivery included.',
    labels: [],
    read: ({ counts }) => [[counts.fetched]],
  },
  {
    type: 'counter',
    name: 'enrichd_retries_total',
    help: 'Attempts after the first, by stage.',
    labels: ['stage'],
    read: ({ counts }) => labelled(counts.retries, 'stage'),
  },
  {
    type: 'counter',
    name: 'enrichd_nlp_requests_total',
    help: 'Calls of the NLP service.',
    labels: ['outcome'],
    read: ({ counts }) => [
      [counts.nlp.ok, { outcome: 'ok' }],
      [counts.nlp.failed, { outcome: 'failed' }],
    ],
  },
  {
    type: 'counter',
    name: 'enrichd_nlp_texts_total',
    help: 'Texts sent to the NLP service; more than calls where nlp.batchSize is above 1.',
    labels: [],
    read: ({ counts }) => [[counts.nlp.texts]],
  },
  {
    type: 'gauge',
    name: 'enrichd_nlp_in_flight',
    help: 'Calls of the NLP service in flight.',
    labels: [],
    read: ({ counts }) => [[counts.nlp.inFlight.value]],
  },
  {
    type: 'gauge',
    name: 'enrichd_nlp_concurrency_limit',
    help: 'Calls of the NLP service allowed in flight now; below nlp.maxConcurrency while the service pushes back.',
    labels: [],
    read: ({ status }) => [[status.flow.limits.nlp]],
  },
  {
    type: 'counter',
    name: 'enrichd_nlp_cache_lookups_total',
    help: 'Look-ups in the cache of answers: hit, coalesced (an equal text was in flight), miss.',
    labels: ['result'],
    read: ({ counts }) => [
      [counts.cache.hits, { result: 'hit' }],
      [counts.cache.coalesced, { result: 'coalesced' }],
      [counts.cache.misses, { result: 'miss' }],
    ],
  },
  {
    type: 'counter',
    name: 'enrichd_bulk_requests_total',
    help: 'Bulk requests: ok, partial (some documents failed), failed (the whole request).',
    labels: ['outcome'],
    read: ({ counts }) => [
      [counts.bulk.ok, { outcome: 'ok' }],
      [counts.bulk.partial, { outcome: 'partial' }],
      [counts.bulk.failed, { outcome: 'failed' }],
    ],
  },
  {
    type: 'gauge',
    name: 'enrichd_bulk_in_flight',
    help: 'Bulk requests in flight.',
    labels: [],
    read: ({ counts }) => [[counts.bulk.inFlight.value]],
  },
  {
    type: 'gauge',
    name: 'enrichd_lag',
    help:
      'Records in Kafka that are not committed yet, for partitions that are ours, 5 s old at most while Kafka answers; ' +
      'with readCommitted up to the first open transaction. Sum it over all members.',
    labels: ['topic', 'partition'],
    read: (sources) => perPartition(sources, lagOf),
  },
  {
    type: 'gauge',
    name: 'enrichd_committed_offset',
    help: 'The committed offset of each partition that is ours.',
    labels: ['topic', 'partition'],
    read: (sources) => perPartition(sources, ({ committed }) => committed),
  },
  {
    type: 'gauge',
    name: 'enrichd_unsettled_records',
    help: 'Records read and not settled, of each partition that is ours.',
    labels: ['topic', 'partition'],
    read: (sources) => perPartition(sources, ({ unsettled }) => unsettled),
  },
  {
    type: 'counter',
    name: 'enrichd_commits_total',
    help: 'Commits that went through.',
    labels: [],
    read: ({ counts }) => [[counts.commits]],
  },
  {
    type: 'counter',
    name: 'enrichd_commit_failures_total',
    help: 'Commits that failed; each is tried again with the next.',
    labels: [],
    read: ({ counts }) => [[counts.commitFailures]],
  },
  {
    type: 'counter',
    name: 'enrichd_offsets_out_of_range_total',
    help: 'Times that the offset to read from was gone: records were lost to retention, or the topic was made again.',
    labels: [],
    read: ({ counts }) => [[counts.offsetsOutOfRange]],
  },
  {
    type: 'gauge',
    name: 'enrichd_buffered_records',
    help: 'Records held, waiting or in flight.',
    labels: [],
    read: ({ status }) => [[status.buffered.records]],
  },
  {
    type: 'gauge',
    name: 'enrichd_buffered_bytes',
    help: 'Bytes of the records held, bounded by pipeline.maxBufferedBytes; those of large records count three times.',
    labels: [],
    read: ({ status }) => [[status.buffered.bytes]],
  },
  {
    type: 'gauge',
    name: 'enrichd_dependency_up',
    help: '0 while the line waits for it (its circuit is open), else 1.',
    labels: ['dependency'],
    read: ({ board }) =>
      board.statuses.map(({ name, state }) => [state === 'down' ? 0 : 1, { dependency: name }]),
  },
  {
    type: 'counter',
    name: 'enrichd_dependency_waits_total',
    help: 'Times that the line began to wait for it.',
    labels: ['dependency'],
    read: ({ board }) => board.statuses.map(({ name, waits }) => [waits, { dependency: name }]),
  },
  {
    type: 'counter',
    name: 'enrichd_dependency_wait_seconds_total',
    help: 'How long the line waited for it in all.',
    labels: ['dependency'],
    read: ({ board }) => board.statuses.map(({ name, waitedMs }) => [waitedMs / 1000, { dependency: name }]),
  },
  {
    type: 'gauge',
    name: 'enrichd_event_loop_busy_ratio',
    help: 'The part of the last 5 s in which the event loop was busy; near 1 the CPU is the bottleneck.',
    labels: [],
    read: ({ status }) => [[status.flow.rates.eventLoopBusy]],
  },
  {
    type: 'counter',
    name: 'enrichd_log_lines_lost_total',
    help: 'Log lines that nobody read in time, or whose reader went away.',
    labels: [],
    read: ({ linesLost }) => [[linesLost()]],
  },
]
