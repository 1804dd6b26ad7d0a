import type { EnrichdError } from '../errors.js'
import type { Finished, SourceRecord } from '../delivery/delivery.js'

/** A dependency as operators name it. */
export type Dependency = 'kafka' | 'nlp' | 'elasticsearch' | 'dead-letter'

/**
 * Everything that is worth telling an operator, one method per event. Stages call these and know nothing of logs or
 * metrics. Every method returns at once and never throws.
 */
export interface Telemetry {
  // --- records
  /**
   * A record was settled or released: counts it, and tells a rejected one's story at `warn`. `endToEndMs` is the time
   * since its Kafka timestamp; a clock that runs behind counts as 0.
   */
  recordFinished(finished: Finished, endToEndMs: number): void
  /** Another attempt for the same record or request follows. */
  retrying(stage: string, error: EnrichdError, record?: SourceRecord): void

  // --- the NLP service
  nlpRequestFinished(durationMs: number, outcome: 'ok' | 'failed', texts: number): void
  nlpInFlight(count: number): void
  nlpConcurrencyLimit(limit: number): void
  /** Look-ups in the cache since the last call of this. */
  nlpCache(hits: number, coalesced: number, misses: number): void

  // --- Elasticsearch
  bulkFinished(durationMs: number, documents: number, outcome: 'ok' | 'partial' | 'failed'): void
  bulkInFlight(count: number): void

  // --- the line waits, and goes on
  /** The line waits for this dependency. Called once when the wait begins, and again when its reason changes. */
  dependencyDown(dependency: Dependency, error: EnrichdError): void
  /** A probe failed and the wait goes on. */
  dependencyStillDown(dependency: Dependency, error: EnrichdError, waitedMs: number): void
  dependencyUp(dependency: Dependency, waitedMs: number): void

  // --- Kafka
  assigned(partitions: readonly TopicPartition[], kept: number): void
  revoked(partitions: readonly TopicPartition[], inFlight: number): void
  committed(offsets: readonly CommittedOffset[]): void
  commitFailed(error: EnrichdError): void
  fetched(partition: TopicPartition, records: number, highWatermark: number): void
  /** Retention overtook the group, or the topic was made again: `expected` is gone, reading goes on from the earliest. */
  offsetsOutOfRange(partition: TopicPartition, expected: number): void
  buffered(records: number, bytes: number): void

  // --- the daemon's own life
  lifecycle(state: string, detail?: Readonly<Record<string, unknown>>): void
  /** Anything else that deserves a line at `info`, with a stable event name of `events.ts`. */
  notice(event: string, message: string, detail?: Readonly<Record<string, unknown>>): void
  /** The same at `warn`: `warning('nlp.tls_unverified', …)`. */
  warning(event: string, message: string, detail?: Readonly<Record<string, unknown>>): void
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export interface CommittedOffset extends TopicPartition {
  readonly offset: number
}
