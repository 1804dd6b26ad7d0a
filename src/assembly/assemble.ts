import { readFileSync } from 'node:fs'
import type { Config } from '../config/schema.js'
import type { DeadLetterWriter } from '../dead-letter/dead-letter-writer.js'
import { RejectionGuard, type RejectionGuardOptions } from '../dead-letter/rejection-guard.js'
import type { EnrichOptions } from '../enrich/enrich.js'
import { NlpService } from '../enrich/nlp-service.js'
import type { KafkaClient } from '../kafka/kafka-client.js'
import { Lifecycle } from '../lifecycle.js'
import { systemClock } from '../pipeline/clock.js'
import { loopBusyShare } from '../pipeline/loop-busy-share.js'
import type { BatchForBulkOptions } from '../sink/bulk-batch.js'
import { namesTakeFields } from '../sink/index-name.js'
import type { RecordSource } from '../source/record-source.js'
import { createTelemetry, type TelemetryHandle } from '../telemetry/create-telemetry.js'
import type { Telemetry } from '../telemetry/telemetry.js'
import { assembleDeadLetters } from './assemble-dead-letters.js'
import { assembleKafka } from './assemble-kafka.js'
import { assembleAnalyser } from './assemble-nlp.js'
import { assembleSink, type Sink } from './assemble-sink.js'
import { assembleSource } from './assemble-source.js'
import type { Environment } from './proxies.js'
import { maskInUse, secretsInUse } from './secrets-in-use.js'

/** Everything that a running daemon is made of. */
export interface Parts {
  readonly config: Config
  readonly telemetry: Telemetry
  readonly handle: TelemetryHandle
  readonly lifecycle: Lifecycle
  readonly source: RecordSource
  readonly enriching: EnrichOptions
  readonly batching: BatchForBulkOptions
  readonly sink: Sink
  readonly deadLetters: DeadLetterWriter
  readonly guard: RejectionGuard
  /** Lets go of every connection; after the drain. */
  close(): Promise<void>
}

export interface AssembleOptions {
  readonly environment: Environment
  readonly again: RejectionGuardOptions['again']
}

/**
 * Makes the parts from the configuration: the only place that knows both. Nothing is connected to, nothing runs.
 *
 * @throws what an own NLP adapter throws while it is loaded
 */
export async function assemble(config: Config, { environment, again }: AssembleOptions): Promise<Parts> {
  const handle = telemetryOf(config, undefined, environment)
  const { telemetry } = handle
  const { pipeline, nlp, deadLetter } = config
  const lifecycle: Lifecycle = new Lifecycle({ gracefulTimeoutMs: pipeline.gracefulTimeoutMs })
  const { draining } = lifecycle
  let client: KafkaClient | undefined
  const kafka = () => (client ??= assembleKafka(config, handle))
  const source = assembleSource(config, { kafka, telemetry, draining })
  const line = await assembleLine(config, { environment, lifecycle, telemetry, kafka, source })
  return {
    config,
    telemetry,
    handle,
    lifecycle,
    source,
    ...line,
    guard: new RejectionGuard({
      maxConsecutive: deadLetter.maxConsecutive,
      probeIntervalMs: nlp.breaker.probeIntervalMs,
      again,
      draining,
      telemetry,
      clock: systemClock,
    }),
  }
}

export interface LineSurroundings {
  readonly environment: Environment
  readonly lifecycle: Pick<Lifecycle, 'draining' | 'cutOff'>
  readonly telemetry: Telemetry
  /** Called only where dead letters go to Kafka. */
  readonly kafka: () => KafkaClient
  readonly source: { readonly waiting: number }
}

/** What is behind the source, wherever records come from. */
export type Line = Pick<Parts, 'enriching' | 'batching' | 'sink' | 'deadLetters' | 'close'>

/**
 * The parts that a record passes. Nothing is connected to, nothing runs.
 *
 * @throws what an own NLP adapter throws while it is loaded
 */
export async function assembleLine(config: Config, surroundings: LineSurroundings): Promise<Line> {
  const { environment, telemetry, kafka, source } = surroundings
  const { draining, cutOff } = surroundings.lifecycle
  const analyser = await assembleAnalyser(config, { environment, telemetry })
  const sink = assembleSink(config, { telemetry, draining, cutOff })
  const mask = maskInUse(config, environment)
  const deadLetters = assembleDeadLetters(config, { kafka, cutOff, telemetry, mask })
  const { probeIntervalMs } = config.nlp.breaker
  // Less than one more bulk is no backlog, and grows none.
  const backlogFrom = Math.min(config.elasticsearch.batchSize, config.pipeline.bufferSize / 2)
  const around = { analyser, draining, cutOff, telemetry }
  const service = new NlpService({ ...config.nlp, ...around, probeIntervalMs, busyShare: loopBusyShare() })
  return {
    sink,
    deadLetters,
    enriching: enrichOptions(config, { ...around, service }),
    batching: {
      ...config.elasticsearch,
      backlog: () => source.waiting >= backlogFrom,
      ...(sink.traffic && { traffic: sink.traffic }),
    },
    close: async () => {
      service.close()
      await Promise.all([deadLetters.close(), analyser.close(), sink.close()])
    },
  }
}

function enrichOptions(
  { nlp, pipeline, elasticsearch }: Config,
  around: Pick<EnrichOptions, 'service' | 'analyser' | 'draining' | 'cutOff' | 'telemetry'>,
): EnrichOptions {
  const { bufferSize } = pipeline
  const { batchSize, maxBatchSize, indexTimePastMs, indexTimeFutureMs } = elasticsearch
  return {
    ...nlp,
    ...around,
    order: pipeline.order,
    window: nlp.maxConcurrency * nlp.batchSize + bufferSize,
    doneLimit: {
      min: Math.min(batchSize, bufferSize),
      max: Math.min(Math.max(4 * batchSize, 2 * maxBatchSize), bufferSize),
    },
    document: { indexTimePastMs, indexTimeFutureMs, keepFields: namesTakeFields(elasticsearch.index) },
  }
}

/** By the settings `log.*`; lines go where documents do not go, unless `output` says where. `environment`: for the proxies' passwords. */
export function telemetryOf(
  config: Config,
  output?: 'stderr',
  environment: Environment = {},
): TelemetryHandle {
  const { nlp, elasticsearch, pipeline, log, sink } = config
  const elsewhere = sink.type === 'stdout' ? 'stderr' : 'stdout'
  return createTelemetry({
    version: version(),
    log: { ...log, output: output ?? elsewhere, ...secretsInUse(config, environment) },
    limits: {
      nlp: nlp.maxConcurrency,
      nlpPerSecond: nlp.maxRequestsPerSecond,
      bulk: elasticsearch.maxConcurrency,
      bufferedBytes: pipeline.maxBufferedBytes,
    },
  })
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
