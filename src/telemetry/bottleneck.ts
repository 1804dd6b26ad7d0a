import type { DependencyStatus } from './dependency-board.js'
import type { FlowRates } from './flow-sampler.js'
import type { Dependency } from './telemetry.js'
import { bytesInWords, countInWords, dependencyInWords, durationInWords } from './words.js'

/** What the bottleneck is judged by. */
export interface FlowView {
  readonly state: string
  readonly dependencies: readonly DependencyStatus[]
  readonly rates: FlowRates
  /** The limits in force. `nlp` is what the limiter allows now, `nlpConfigured` what the user allowed. */
  readonly limits: FlowLimits
  /** Records in Kafka that are not committed yet; undefined where that is not known or there is no Kafka. */
  readonly lag: number | undefined
  /** Records and bytes held, waiting for their turn. */
  readonly buffered: { readonly records: number; readonly bytes: number }
  readonly partitions: number
  /** Partitions that are not fetched because too many of their records are unsettled. */
  readonly pausedPartitions: number
}

export interface FlowLimits {
  readonly nlp: number
  readonly nlpConfigured: number
  /** 0 for none. */
  readonly nlpPerSecond: number
  readonly bulk: number
  readonly bufferedBytes: number
}

export interface Bottleneck {
  readonly at:
    'start' | 'drain' | Dependency | 'cpu' | 'rate-limit' | 'memory' | 'order' | 'source' | 'nothing'
  /** What waits for what, with numbers, and what to do about it. */
  readonly sentence: string
}

/** From this part of a limit on, in use on average, it is the limit that holds the flow up. */
const SATURATED = 0.85
const BUSY_LOOP = 0.85
/** What is further down the line holds up everything above it, so it is named first. */
const downstreamFirst: readonly Dependency[] = ['dead-letter', 'elasticsearch', 'nlp', 'kafka']

/** Where the flow is held up now, in one sentence. A pure function: the same view gives the same words. */
export function bottleneck(view: FlowView): Bottleneck {
  return (
    unavailable(view) ??
    startOrDrain(view) ??
    cpu(view) ??
    saturated(view) ??
    rateLimit(view) ??
    memory(view) ??
    heldPartitions(view) ??
    source(view)
  )
}

function unavailable({ dependencies, state }: FlowView): Bottleneck | undefined {
  const down = downstreamFirst.flatMap((name) =>
    dependencies.filter((each) => each.name === name && each.state === 'down'),
  )
  const [first, ...others] = down
  if (first === undefined) return undefined
  const also =
    others.length === 0 ? '' : `; also down: ${others.map(({ name }) => dependencyInWords[name]).join(', ')}`
  const message = first.why?.message ?? 'unknown'
  const since = durationInWords(first.forMs)
  const what =
    first.why?.kind === 'setting'
      ? `a setting must be changed for ${dependencyInWords[first.name]} (since ${since}): ${message}`
      : `waiting for ${dependencyInWords[first.name]}, down for ${since}: ${message}`
  const when = state === 'draining' ? 'draining, ' : ''
  return { at: first.name, sentence: `${when}${what}${also}` }
}

function startOrDrain({ state, rates }: FlowView): Bottleneck | undefined {
  if (state === 'starting') return { at: 'start', sentence: 'starting: waiting to join the consumer group' }
  if (state !== 'draining') return undefined
  const calls = `${countInWords(rates.nlp.inFlight)} NLP calls and ${countInWords(rates.bulk.inFlight)} bulk requests`
  return { at: 'drain', sentence: `draining: finishing what is in flight (${calls})` }
}

function cpu({ rates, partitions }: FlowView): Bottleneck | undefined {
  if (rates.eventLoopBusy < BUSY_LOOP) return undefined
  const busy = `${Math.round(rates.eventLoopBusy * 100)} %`
  const advice =
    partitions > 0 ? `; add members to the consumer group (partitions to share: ${partitions})` : ''
  return { at: 'cpu', sentence: `waiting for the CPU: the event loop is ${busy} busy${advice}` }
}

function saturated(view: FlowView): Bottleneck | undefined {
  const { rates, limits } = view
  const nlpUse = limits.nlp > 0 ? rates.nlp.inFlight / limits.nlp : 0
  const bulkUse = limits.bulk > 0 ? rates.bulk.inFlight / limits.bulk : 0
  if (Math.max(nlpUse, bulkUse) < SATURATED) return undefined
  return bulkUse >= nlpUse ? elasticsearch(view) : nlp(view)
}

function nlp({ rates, limits }: FlowView): Bottleneck {
  const each =
    rates.nlp.msEach === undefined ? 'none answered yet' : `${durationInWords(rates.nlp.msEach)} each`
  const inFlight = `${Math.round(rates.nlp.inFlight)} of ${limits.nlp} in flight, ${each}`
  const sentence =
    limits.nlp < limits.nlpConfigured
      ? `waiting for the NLP service: ${inFlight}; it pushes back, so the limit is below nlp.maxConcurrency (${limits.nlpConfigured}); scale it out`
      : `waiting for the NLP service: ${inFlight}; raise nlp.maxConcurrency or scale it out`
  return { at: 'nlp', sentence }
}

function elasticsearch({ rates, limits }: FlowView): Bottleneck {
  const { inFlight, msEach, documentsEach } = rates.bulk
  const each =
    msEach === undefined
      ? 'none answered yet'
      : `${durationInWords(msEach)} each for ${countInWords(documentsEach ?? 0)} documents`
  return {
    at: 'elasticsearch',
    sentence:
      `waiting for Elasticsearch: ${Math.round(inFlight)} of ${limits.bulk} bulk requests in flight, ${each}; ` +
      'raise elasticsearch.maxBatchSize or elasticsearch.maxConcurrency, or scale it out',
  }
}

function rateLimit({ rates, limits }: FlowView): Bottleneck | undefined {
  if (limits.nlpPerSecond === 0 || rates.nlp.perSecond < limits.nlpPerSecond * SATURATED) return undefined
  return {
    at: 'rate-limit',
    sentence: `held to nlp.maxRequestsPerSecond: ${countInWords(rates.nlp.perSecond)} of ${countInWords(limits.nlpPerSecond)} NLP calls a second`,
  }
}

function memory({ buffered, limits }: FlowView): Bottleneck | undefined {
  if (limits.bufferedBytes === 0 || buffered.bytes < limits.bufferedBytes * SATURATED) return undefined
  const held = `${bytesInWords(buffered.bytes)} of ${bytesInWords(limits.bufferedBytes)}`
  return { at: 'memory', sentence: `held up by memory: ${held} in use; raise pipeline.maxBufferedBytes` }
}

function heldPartitions({ partitions, pausedPartitions }: FlowView): Bottleneck | undefined {
  if (pausedPartitions === 0) return undefined
  return {
    at: 'order',
    sentence: `partitions that wait for a record that takes long: ${pausedPartitions} of ${partitions}; too much behind it is done and not committable yet`,
  }
}

function source({ rates, lag, buffered }: FlowView): Bottleneck {
  const rate = rates.recordsPerSecond
  if (rate === 0 && (lag ?? 0) === 0 && buffered.records === 0) {
    return { at: 'nothing', sentence: 'idle: no records to work on' }
  }
  const oneSecondsWork = Math.max(rate, 100)
  if (lag === undefined || lag <= oneSecondsWork) {
    return { at: 'nothing', sentence: `keeping up: ${countInWords(rate)} records/s, nothing waits` }
  }
  return {
    at: 'source',
    sentence:
      `catching up at ${countInWords(rate)} records/s, ${countInWords(lag)} behind; ` +
      'no limit is reached: what Kafka hands over in one fetch, or a burst, decides',
  }
}
