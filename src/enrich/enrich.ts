import {
  advance,
  reject,
  release,
  type Delivery,
  type InFlight,
  type Rejected,
} from '../delivery/delivery.js'
import type { EnrichedDocument } from '../delivery/document.js'
import type { LogRecord } from '../delivery/log-record.js'
import { EnrichdError } from '../errors.js'
import { systemClock, type Clock } from '../pipeline/clock.js'
import { mapConcurrent, type Slot } from '../pipeline/map-concurrent.js'
import type { Semaphore } from '../pipeline/semaphore.js'
import type { Stage } from '../pipeline/stage.js'
import type { Telemetry } from '../telemetry/telemetry.js'
import { analyseText, type Analysed, type AnalyseTextOptions, type RetryOptions } from './analyse-text.js'
import type { Analyser } from './analyser.js'
import type { Enrichment } from './analysis.js'
import { AnswerCache } from './answer-cache.js'
import { singleAsker } from './asker.js'
import { BatchAsker } from './batch-asker.js'
import { cutText } from './cut-text.js'
import { buildDocument, type DocumentOptions } from './document.js'
import { LendingSource } from './lending-source.js'
import { NlpService, type NlpTelemetry } from './nlp-service.js'
import { Stop } from './stop.js'

export interface EnrichOptions {
  /** Not closed by the stage. */
  readonly analyser: Analyser
  /** Shared with other stages, and with it the bound on requests; not closed by the stage. Default: the stage makes its own. */
  readonly service?: NlpService
  /** Requests in flight at most, 1 or more. */
  readonly maxConcurrency: number
  /** Default true. */
  readonly adaptive?: boolean
  /** Default 0, no limit. */
  readonly maxRequestsPerSecond?: number
  /** Longer texts are cut at a code point. */
  readonly maxTextBytes: number
  readonly retry: RetryOptions
  readonly breaker: { readonly probeIntervalMs: number }
  /** Default `dead-letter`; `index-raw`: what the service refuses goes on without entities, `enrichment.status` `failed`. */
  readonly onFailure?: 'dead-letter' | 'index-raw'
  /** Default 1. Texts per request, at most what the protocol can; the first waits `batchWaitMs` for others. */
  readonly batchSize?: number
  /** Default 5. */
  readonly batchWaitMs?: number
  /** Default: nothing is remembered. */
  readonly cache?: { readonly maxEntries: number; readonly ttlMs: number }
  /** Default `none`: as they are done. `partition`: as they came, within each partition. */
  readonly order?: 'none' | 'partition'
  /**
   * Records held at once: in a call, between two attempts, or done and waiting for their turn. At least `maxConcurrency` times
   * `batchSize`.
   */
  readonly window: number
  /** Bounds of what is done and waits for the consumer, see `StandingQueue`: each was paid for, and a crash pays again. Default: `window`. */
  readonly doneLimit?: { readonly min: number; readonly max: number }
  readonly document: DocumentOptions
  /** Aborted: no new call or attempt begins, what is between two is released; calls in flight finish. */
  readonly draining: AbortSignal
  /** Aborted: calls in flight are cut off and their records released. */
  readonly cutOff: AbortSignal
  readonly telemetry: NlpTelemetry & Pick<Telemetry, 'retrying' | 'nlpCache'>
  readonly clock?: Clock
}

type In = Delivery<LogRecord>
type Out = Delivery<EnrichedDocument>

/**
 * The stage that has each record analysed and builds its document. A record that is not in flight passes through. A place is
 * taken before a record is pulled, so what has not begun stays with the source; with batches, as many records are pulled as fit
 * into the requests.
 *
 * A record ends as in-flight with its document, rejected (`nlp-rejected`, `nlp-failed`), or released (drain, cut-off, lost
 * lease); the stage never fails because of one. On early `return()` it lets calls in flight finish and releases the rest.
 *
 * @throws RangeError if a bound is out of range
 */
export function enrich(options: EnrichOptions): Stage<In, Out> {
  const { maxConcurrency, window, maxTextBytes, retry } = options
  const batchSize = Math.min(options.batchSize ?? 1, options.analyser.maxTexts)
  atLeast('batchSize', batchSize, 1)
  atLeast('maxTextBytes', maxTextBytes, 4)
  atLeast('retry.limit', retry.limit, 1)
  atLeast('maxConcurrency', maxConcurrency, 1)
  atLeast('window', window, maxConcurrency * batchSize)
  if (options.service !== undefined && options.service.batchSize !== batchSize)
    throw new RangeError(`the service's calls carry ${options.service.batchSize} texts, not ${batchSize}`)
  return (source) => ({ [Symbol.asyncIterator]: () => open(source, { ...options, batchSize }) })
}

function atLeast(name: string, value: number, min: number): void {
  if (!Number.isInteger(value) || value < min) {
    throw new RangeError(`${name} must be an integer of ${min} or more, not ${value}`)
  }
}

type Opened = EnrichOptions & { readonly batchSize: number }

function open(source: AsyncIterable<In>, options: Opened): AsyncIterator<Out> {
  const closing = new AbortController()
  const enricher = new Enricher(options, closing.signal)
  const { order = 'none', window, doneLimit, clock } = options
  const stage = mapConcurrent<In, Out>((delivery, slot) => enricher.enrich(delivery, slot), {
    concurrency: window,
    semaphore: enricher.places,
    order: order === 'partition' ? 'key' : 'none',
    key: ({ record }) => `${record.topic}-${record.partition}`,
    onError: 'throw',
    ...(doneLimit && { doneLimit: { ...doneLimit, ...(clock && { clock }) } }),
    onEnd: () => {
      enricher.close()
    },
  })
  const lending = new LendingSource(source, enricher.places)
  const iterator = stage(lending)[Symbol.asyncIterator]()
  return {
    next: () => iterator.next(),
    async return() {
      closing.abort(new Error('the stage is closed'))
      lending.settle()
      await iterator.return?.()
      return { done: true, value: undefined }
    },
  }
}

class Enricher {
  /** One is taken before a record is pulled. */
  readonly places: Semaphore
  readonly #options: Opened
  readonly #clock: Clock
  readonly #signals: readonly AbortSignal[]
  readonly #service: NlpService
  readonly #batches: BatchAsker | undefined
  readonly #cache: AnswerCache | undefined
  readonly #analysing: AnalyseTextOptions

  constructor(options: Opened, closing: AbortSignal) {
    const {
      batchSize,
      batchWaitMs = 5,
      retry,
      telemetry,
      clock = systemClock,
      draining,
      cutOff,
      cache,
    } = options
    this.#options = options
    this.#clock = clock
    // One to look at in place of three, twice for every record.
    this.#signals = [AbortSignal.any([draining, cutOff, closing])]
    const { probeIntervalMs } = options.breaker
    const service = options.service ?? new NlpService({ ...options, probeIntervalMs })
    this.#service = service
    if (batchSize > 1) {
      this.#batches = new BatchAsker({ service, batchSize, batchWaitMs, signals: this.#signals, clock })
    }
    this.places = service.places
    this.#cache = cache && cache.maxEntries > 0 ? new AnswerCache({ ...cache, telemetry, clock }) : undefined
    this.#analysing = { service, asker: this.#batches ?? singleAsker(service), retry, telemetry, clock }
  }

  enrich(delivery: In, slot: Slot): Out | Promise<Out> {
    if (delivery.status !== 'in-flight') return delivery
    if (delivery.value.message === '')
      return this.#build(delivery, this.#without('skipped', { attempts: 0, durationMs: 0, truncated: false }))
    return this.#analyse(delivery, slot)
  }

  close(): void {
    this.#batches?.close()
    if (this.#options.service === undefined) this.#service.close()
  }

  #analyse(delivery: InFlight<LogRecord>, slot: Slot): Out | Promise<Out> {
    const { record, value } = delivery
    const stop = new Stop(this.#signals, record.lease)
    if (stop.stopped) return release(record)
    const { text, truncated } = cutText(value.message, this.#options.maxTextBytes)
    const cameMs = this.#clock.now()
    const question = { text, record, slot, stop }
    return new Promise((resolve, reject) => {
      const done = (analysed: Analysed): void => {
        stop.dispose()
        try {
          resolve(this.#finish(delivery, analysed, { truncated, cameMs }))
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      }
      if (this.#cache) void this.#cache.analyse(question, this.#analysing).then(done, reject)
      else analyseText(question, this.#analysing, { done, failed: reject })
    })
  }

  #finish(
    delivery: InFlight<LogRecord>,
    analysed: Analysed,
    { truncated, cameMs }: { readonly truncated: boolean; readonly cameMs: number },
  ): Out {
    const { record } = delivery
    if (analysed.status === 'stopped') return release(record)
    const { attempts, startedMs = cameMs } = analysed
    const durationMs = this.#clock.now() - startedMs
    if (analysed.status === 'analysed') {
      const { entities, severity } = analysed.analysis
      const service = this.#service.name
      return this.#build(delivery, {
        status: 'enriched',
        entities,
        severity,
        service,
        attempts,
        durationMs,
        truncated,
      })
    }
    if (this.#options.onFailure === 'index-raw') {
      return this.#build(delivery, this.#without('failed', { attempts, durationMs, truncated }))
    }
    return rejected(record, analysed)
  }

  /** What is said of a record that the service told nothing of. */
  #without(
    status: Enrichment['status'],
    took: Pick<Enrichment, 'attempts' | 'durationMs' | 'truncated'>,
  ): Enrichment {
    return { status, entities: [], severity: undefined, service: this.#service.name, ...took }
  }

  /** A fault of ours that a record brings to light is the end of that record, not of the daemon. */
  #build(delivery: InFlight<LogRecord>, enrichment: Enrichment): Out {
    try {
      return advance(delivery, buildDocument(delivery, enrichment, this.#options.document))
    } catch (cause) {
      const error = new EnrichdError('INTERNAL', 'the document could not be built', { kind: 'record', cause })
      return rejected(delivery.record, { reason: 'stage-failed', error, attempts: enrichment.attempts })
    }
  }
}

type Failed = Pick<Rejected, 'reason' | 'attempts'> & { readonly error: EnrichdError }

function rejected(record: In['record'], failed: Failed): Rejected {
  const { reason, attempts } = failed
  const { topic, partition, offset } = record
  const error: EnrichdError = failed.error.within({
    stage: 'enrich',
    topic,
    partition,
    offset,
    attempt: attempts,
  })
  return reject(record, { reason, stage: 'enrich', error, attempts })
}
