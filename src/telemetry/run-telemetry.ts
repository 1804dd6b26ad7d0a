import type { Finished, Rejected, SourceRecord } from '../delivery/delivery.js'
import type { EnrichdError } from '../errors.js'
import type { Clock } from '../pipeline/clock.js'
import type { DependencyBoard } from './dependency-board.js'
import { dependencyEvent, eventNamed } from './events.js'
import type { LogLine } from './logger.js'
import type { Metrics } from './metrics.js'
import { partitionList } from './partition-list.js'
import type { RunCounts } from './run-counts.js'
import type { RunStatus } from './run-status.js'
import type { Dependency, Telemetry, TopicPartition } from './telemetry.js'
import { countInWords, dependencyInWords, durationInWords } from './words.js'

type Detail = Readonly<Record<string, unknown>>

export interface RunTelemetryOptions {
  readonly counts: RunCounts
  readonly board: DependencyBoard
  readonly status: RunStatus
  readonly metrics: Metrics
  readonly clock: Clock
  /** The shortest time between two lines that say that a dependency is still down, in ms. Kafka's are not bounded. */
  readonly stillDownIntervalMs: number
  /** Writes a line, or counts it where there are too many; `label` is what it is counted under. */
  readonly say: (line: LogLine, label?: string) => void
  /** What may be shown of a text. */
  readonly safe: (text: string) => string
}

const states = new Set(['starting', 'running', 'draining', 'stopped'])

/** The telemetry of a run: every event becomes counts, observations and lines. */
export class RunTelemetry implements Telemetry {
  readonly #options: RunTelemetryOptions
  readonly #counts: RunCounts
  readonly #metrics: Metrics
  readonly #saidDownMs = new Map<Dependency, number>()

  constructor(options: RunTelemetryOptions) {
    this.#options = options
    this.#counts = options.counts
    this.#metrics = options.metrics
  }

  recordFinished(finished: Finished, endToEndMs: number): void {
    const counts = this.#counts
    switch (finished.status) {
      case 'indexed':
        counts.indexed++
        this.#metrics.endToEndSeconds.observe(seconds(endToEndMs))
        return
      case 'rejected':
        counts.deadLettered++
        counts.rejected.add(finished.reason)
        this.#metrics.endToEndSeconds.observe(seconds(endToEndMs))
        this.#tellRejection(finished)
        return
      case 'dropped':
        counts.droppedInAll++
        counts.dropped.add(finished.policy)
        return
      case 'released':
        counts.released++
    }
  }

  retrying(stage: string, error: EnrichdError, record?: SourceRecord): void {
    this.#counts.retries.add(stage)
    const where = record === undefined ? 'a request' : nameOf(record)
    const fields = { stage, ...placeOf(record) }
    this.#options.say({
      event: 'record.retrying',
      message: `another attempt follows for ${where} in ${stage}`,
      error,
      fields,
      record,
    })
  }

  nlpRequestFinished(durationMs: number, outcome: 'ok' | 'failed', texts: number): void {
    const { nlp } = this.#counts
    nlp[outcome]++
    nlp.texts += texts
    nlp.durationMs += durationMs
    this.#metrics.nlpSeconds.observe(seconds(durationMs))
    if (outcome === 'ok') this.#options.board.answered('nlp')
  }

  nlpInFlight(count: number): void {
    this.#counts.nlp.inFlight.set(count)
  }

  nlpConcurrencyLimit(limit: number): void {
    const from = this.#counts.nlp.limit
    this.#counts.nlp.limit = limit
    if (from === limit || from === 0) return
    const message = `the limit on NLP calls in flight is now ${limit}, was ${from}`
    this.#options.say({ event: 'nlp.limit_changed', message, fields: { from, to: limit } })
  }

  nlpCache(hits: number, coalesced: number, misses: number): void {
    const { cache } = this.#counts
    cache.hits += hits
    cache.coalesced += coalesced
    cache.misses += misses
  }

  bulkFinished(durationMs: number, documents: number, outcome: 'ok' | 'partial' | 'failed'): void {
    const { bulk } = this.#counts
    bulk[outcome]++
    bulk.documents += documents
    bulk.durationMs += durationMs
    this.#metrics.bulkSeconds.observe(seconds(durationMs))
    this.#metrics.bulkSize.observe(documents)
    if (outcome !== 'failed') this.#options.board.answered('elasticsearch')
    const message = `bulk of ${documents} documents ${outcome} after ${durationInWords(durationMs)}`
    const fields = { durationMs: Math.round(durationMs), documents, outcome }
    this.#options.say({ event: 'elasticsearch.bulk_finished', message, fields })
  }

  bulkInFlight(count: number): void {
    this.#counts.bulk.inFlight.set(count)
  }

  dependencyDown(dependency: Dependency, error: EnrichdError): void {
    this.#noteDown(dependency, error)
    this.#saidDownMs.set(dependency, this.#options.clock.now())
    const name = dependencyInWords[dependency]
    const wrongSetting = error.kind === 'setting'
    this.#options.say({
      event: dependencyEvent(dependency, wrongSetting ? 'misconfigured' : 'down'),
      message: wrongSetting
        ? `the line stops until a setting is changed for ${name}`
        : `the line waits for ${name}`,
      error,
      fields: { dependency, retryAfterMs: error.retryAfterMs },
    })
  }

  dependencyStillDown(dependency: Dependency, error: EnrichdError, waitedMs: number): void {
    const { clock, stillDownIntervalMs, say } = this.#options
    this.#noteDown(dependency, error)
    const saidMs = this.#saidDownMs.get(dependency) ?? -Infinity
    const nowMs = clock.now()
    if (dependency !== 'kafka' && nowMs - saidMs < stillDownIntervalMs) return
    this.#saidDownMs.set(dependency, nowMs)
    const forMs = Math.round(waitedMs)
    say({
      event: dependencyEvent(dependency, 'still_down'),
      message: `still waiting for ${dependencyInWords[dependency]}, after ${durationInWords(forMs)}`,
      error,
      fields: { dependency, waitedMs: forMs, retryAfterMs: error.retryAfterMs },
    })
  }

  dependencyUp(dependency: Dependency, waitedMs: number): void {
    if (!this.#options.board.up(dependency)) return
    const forMs = Math.round(waitedMs)
    this.#options.say({
      event: dependencyEvent(dependency, 'up'),
      message: `the line goes on: ${dependencyInWords[dependency]} is back after ${durationInWords(forMs)}`,
      fields: { dependency, waitedMs: forMs },
    })
  }

  assigned(partitions: readonly TopicPartition[], kept: number): void {
    const { board, say } = this.#options
    const kafka = board.statuses.find(({ name }) => name === 'kafka')
    if (kafka?.state === 'down') this.dependencyUp('kafka', kafka.forMs)
    else board.answered('kafka')
    const list = partitionList(partitions)
    const message = `joined the consumer group with ${partitions.length} partitions, ${kept} of them kept: ${list}`
    say({ event: 'kafka.assigned', message, fields: { partitions: list, kept } })
  }

  revoked(partitions: readonly TopicPartition[], inFlight: number): void {
    const list = partitionList(partitions)
    const message = `${partitions.length} partitions are ours no more, ${inFlight} records in flight: ${list}`
    this.#options.say({ event: 'kafka.revoked', message, fields: { partitions: list, inFlight } })
  }

  committed(): void {
    this.#counts.commits++
  }

  commitFailed(error: EnrichdError): void {
    this.#counts.commitFailures++
    const message = 'a commit failed and is tried again with the next one'
    this.#options.say({ event: 'kafka.commit_failed', message, error })
  }

  fetched(_partition: TopicPartition, records: number): void {
    this.#counts.fetched += records
  }

  offsetsOutOfRange({ topic, partition }: TopicPartition, expected: number): void {
    this.#counts.offsetsOutOfRange++
    this.#options.say({
      event: 'kafka.offset_out_of_range',
      message:
        `offset ${expected} of ${topic}-${partition} is gone: retention overtook the group, or the topic was made again; ` +
        'reading goes on from the earliest, and what was between, if anything was, is lost',
      fields: { topic, partition, expected },
    })
  }

  buffered(records: number, bytes: number): void {
    this.#counts.buffered.records = records
    this.#counts.buffered.bytes = bytes
  }

  lifecycle(state: string, { error, ...detail }: Detail = {}): void {
    const { status, say } = this.#options
    if (states.has(state)) status.state = state
    if (error instanceof Error) {
      say({ event: 'daemon.failed', message: 'the daemon cannot go on', error, fields: { state } })
    }
    const known = eventNamed(`daemon.${state}`) !== undefined
    const totals = state === 'stopped' ? this.#totals() : {}
    say({
      event: known ? `daemon.${state}` : 'daemon.state',
      message: `${state}${this.#more(state, detail)}`,
      fields: { ...(known ? {} : { state }), ...totals, ...detail },
    })
  }

  notice(event: string, message: string, detail?: Detail): void {
    this.#options.say({ event, level: 'info', message, fields: detail ?? {} })
  }

  warning(event: string, message: string, detail?: Detail): void {
    this.#options.say({ event, level: 'warn', message, fields: detail ?? {} })
  }

  #noteDown(dependency: Dependency, error: EnrichdError): void {
    this.#options.board.down(dependency, error, this.#options.safe(error.message))
  }

  #tellRejection({ record, stage, reason, attempts, error }: Rejected): void {
    const after = attempts > 1 ? ` after ${attempts} attempts` : ''
    this.#options.say(
      {
        event: 'record.rejected',
        message: `${nameOf(record)} becomes a dead letter, ${reason} in ${stage}${after}`,
        error,
        fields: { stage, ...placeOf(record), attempts, reason },
        record,
      },
      reason,
    )
  }

  #totals(): Detail {
    const { indexed, deadLettered, retries, droppedInAll, released } = this.#counts
    const retried = retries.total
    return { processed: indexed, errors: deadLettered, retried, dropped: droppedInAll, released }
  }

  #more(state: string, { reason, admin }: Detail): string {
    if (state === 'starting' && typeof admin === 'string') return `: the status page is at ${admin}`
    if (state !== 'stopped') return typeof reason === 'string' ? `: ${reason}` : ''
    const { indexed, deadLettered, released } = this.#counts
    const [done, failed, left] = [indexed, deadLettered, released].map(countInWords)
    return `: processed ${done ?? ''}, errors ${failed ?? ''}, released ${left ?? ''}`
  }
}

const nameOf = ({ topic, partition, offset }: SourceRecord): string =>
  `record ${topic}-${partition} @ ${offset}`

function placeOf(record: SourceRecord | undefined): Detail {
  if (record === undefined) return {}
  const { topic, partition, offset } = record
  return { topic, partition, offset }
}

/** A duration as metrics count it; what no clock can have measured counts as 0. */
function seconds(durationMs: number): number {
  return durationMs > 0 && durationMs < Infinity ? durationMs / 1000 : 0
}
