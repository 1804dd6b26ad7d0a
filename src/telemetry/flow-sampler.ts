import { performance } from 'node:perf_hooks'
import type { Clock } from '../pipeline/clock.js'
import type { RunCounts } from './run-counts.js'

/** How fast the flow goes, as means over the last seconds. */
export interface FlowRates {
  /** Records settled a second. */
  readonly recordsPerSecond: number
  readonly fetchedPerSecond: number
  readonly nlp: CallRates
  readonly bulk: CallRates & { readonly documentsEach: number | undefined }
  /** The part of the time that the event loop was busy, 0 to 1. */
  readonly eventLoopBusy: number
}

interface CallRates {
  readonly perSecond: number
  readonly inFlight: number
  /** How long one takes, in ms; undefined where none ended. */
  readonly msEach: number | undefined
}

/** How long the event loop was busy and idle since some start, in ms. */
export interface LoopTime {
  readonly active: number
  readonly idle: number
}

interface Sample {
  readonly atMs: number
  readonly settled: number
  readonly fetched: number
  readonly nlpCalls: number
  readonly nlpMs: number
  readonly nlpIntegral: number
  readonly bulks: number
  readonly bulkMs: number
  readonly bulkIntegral: number
  readonly documents: number
  readonly loop: LoopTime
}

/** Samples kept: with one a second, means over the last 5 s. */
const MAX_SAMPLES = 6

/** Takes samples of the counts and tells the rates between the oldest kept and the newest. */
export class FlowSampler {
  readonly #counts: RunCounts
  readonly #clock: Clock
  readonly #loop: () => LoopTime
  #samples: readonly Sample[]

  /** @param loop tells the event loop's times; default: this thread's */
  constructor(
    counts: RunCounts,
    clock: Clock,
    loop: () => LoopTime = () => performance.eventLoopUtilization(),
  ) {
    this.#counts = counts
    this.#clock = clock
    this.#loop = loop
    this.#samples = [this.#take()]
  }

  /** To be called about once a second. */
  sample(): void {
    this.#samples = [...this.#samples, this.#take()].slice(-MAX_SAMPLES)
  }

  /** The rates from the oldest sample kept until now. */
  get rates(): FlowRates {
    const to = this.#take()
    const from = this.#samples[0] ?? to
    const elapsedMs = to.atMs - from.atMs
    const per = (delta: number, unitMs: number): number => (elapsedMs > 0 ? (delta / elapsedMs) * unitMs : 0)
    const calls = to.nlpCalls - from.nlpCalls
    const bulks = to.bulks - from.bulks
    return {
      recordsPerSecond: per(to.settled - from.settled, 1000),
      fetchedPerSecond: per(to.fetched - from.fetched, 1000),
      nlp: {
        perSecond: per(calls, 1000),
        inFlight: per(to.nlpIntegral - from.nlpIntegral, 1),
        msEach: each(to.nlpMs - from.nlpMs, calls),
      },
      bulk: {
        perSecond: per(bulks, 1000),
        inFlight: per(to.bulkIntegral - from.bulkIntegral, 1),
        msEach: each(to.bulkMs - from.bulkMs, bulks),
        documentsEach: each(to.documents - from.documents, bulks),
      },
      eventLoopBusy: busyPart(from.loop, to.loop),
    }
  }

  #take(): Sample {
    const { settled, fetched, nlp, bulk } = this.#counts
    return {
      atMs: this.#clock.now(),
      settled,
      fetched,
      nlpCalls: nlp.ok + nlp.failed,
      nlpMs: nlp.durationMs,
      nlpIntegral: nlp.inFlight.integral,
      bulks: bulk.ok + bulk.partial + bulk.failed,
      bulkMs: bulk.durationMs,
      bulkIntegral: bulk.inFlight.integral,
      documents: bulk.documents,
      loop: this.#loop(),
    }
  }
}

function each(total: number, count: number): number | undefined {
  return count > 0 ? total / count : undefined
}

function busyPart(from: LoopTime, to: LoopTime): number {
  const active = to.active - from.active
  const total = active + to.idle - from.idle
  return total > 0 ? active / total : 0
}
