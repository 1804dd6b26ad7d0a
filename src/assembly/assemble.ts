import { readFileSync } from 'node:fs'
import { secretsOf } from '../config/secrets.js'
import type { Config } from '../config/schema.js'
import type { DeadLetterWriter } from '../dead-letter/dead-letter-writer.js'
import { RejectionGuard, type RejectionGuardOptions } from '../dead-letter/rejection-guard.js'
import type { EnrichOptions } from '../enrich/enrich.js'
import type { KafkaClient } from '../kafka/kafka-client.js'
import { Lifecycle } from '../lifecycle.js'
import { systemClock } from '../pipeline/clock.js'
import type { BatchForBulkOptions } from '../sink/bulk-batch.js'
import type { RecordSource } from '../source/record-source.js'
import { createTelemetry, type TelemetryHandle } from '../telemetry/create-telemetry.js'
import type { Telemetry } from '../telemetry/telemetry.js'
import { assembleDeadLetters } from './assemble-dead-letters.js'
import { assembleKafka } from './assemble-kafka.js'
import { assembleAnalyser } from './assemble-nlp.js'
import { assembleSink, type Sink } from './assemble-sink.js'
import { assembleSource } from './assemble-source.js'

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
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly again: RejectionGuardOptions['again']
}

/**
 * Makes the parts from the configuration: the only place that knows both. Nothing is connected to, nothing runs.
 *
 * @throws what an own NLP adapter throws while it is loaded
 */
export async function assemble(config: Config, { environment, again }: AssembleOptions): Promise<Parts> {
  const handle = telemetryOf(config)
  const { telemetry } = handle
  const { pipeline, nlp, deadLetter } = config
  const lifecycle: Lifecycle = new Lifecycle({ gracefulTimeoutMs: pipeline.gracefulTimeoutMs })
  const { draining, cutOff } = lifecycle
  let client: KafkaClient | undefined
  const kafka = () => (client ??= assembleKafka(config, handle))
  const analyser = await assembleAnalyser(config, { proxies: proxiesOf(environment), telemetry })
  const source = assembleSource(config, { kafka, telemetry, draining })
  const sink = assembleSink(config, { telemetry, cutOff })
  const deadLetters = assembleDeadLetters(config, { kafka, cutOff, telemetry })
  return {
    config,
    telemetry,
    handle,
    lifecycle,
    source,
    sink,
    deadLetters,
    enriching: enrichOptions(config, { analyser, draining, cutOff, telemetry }),
    batching: { ...config.elasticsearch, backlog: () => source.state.waiting > 0 },
    guard: new RejectionGuard({
      maxConsecutive: deadLetter.maxConsecutive,
      probeIntervalMs: nlp.breaker.probeIntervalMs,
      again,
      draining,
      telemetry,
      clock: systemClock,
    }),
    close: async () => {
      await Promise.all([deadLetters.close(), analyser.close(), sink.close()])
    },
  }
}

function enrichOptions(
  { nlp, pipeline, elasticsearch }: Config,
  around: Pick<EnrichOptions, 'analyser' | 'draining' | 'cutOff' | 'telemetry'>,
): EnrichOptions {
  const { indexTimePastMs, indexTimeFutureMs } = elasticsearch
  return {
    ...nlp,
    ...around,
    order: pipeline.order,
    window: Math.max(pipeline.bufferSize, nlp.maxConcurrency * nlp.batchSize),
    document: { indexTimePastMs, indexTimeFutureMs },
  }
}

function telemetryOf(config: Config): TelemetryHandle {
  const { nlp, elasticsearch, pipeline, log, sink } = config
  return createTelemetry({
    version: version(),
    log: { ...log, output: sink.type === 'stdout' ? 'stderr' : 'stdout', secrets: secretsOf(config) },
    limits: {
      nlp: nlp.maxConcurrency,
      nlpPerSecond: nlp.maxRequestsPerSecond,
      bulk: elasticsearch.maxConcurrency,
      bufferedBytes: pipeline.maxBufferedBytes,
    },
  })
}

function proxiesOf(environment: AssembleOptions['environment']) {
  const read = (name: string) => environment[name] ?? environment[name.toUpperCase()]
  return { httpProxy: read('http_proxy'), httpsProxy: read('https_proxy'), noProxy: read('no_proxy') }
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
