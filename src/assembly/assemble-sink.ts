import type { Config } from '../config/schema.js'
import type { Delivery, Finished } from '../delivery/delivery.js'
import type { EnrichedDocument } from '../delivery/document.js'
import type { Stage } from '../pipeline/stage.js'
import { awaitElasticsearch } from '../sink/await-elasticsearch.js'
import { indexBatches } from '../sink/bulk-index.js'
import { elasticsearchBulk } from '../sink/bulk-request.js'
import { BulkTraffic } from '../sink/bulk-traffic.js'
import { elasticsearchClient, type ElasticsearchClient } from '../sink/elasticsearch-client.js'
import { indexName } from '../sink/index-name.js'
import { openFileOutput, openStreamOutput, writeLines } from '../sink/write-lines.js'
import type { Telemetry } from '../telemetry/telemetry.js'

export interface Sink {
  readonly index: Stage<readonly Delivery<EnrichedDocument>[], Finished>
  /** The requests under way, where it makes any. */
  readonly traffic?: BulkTraffic
  /** Resolves once there is something to write to, or the drain begins. */
  ready(): Promise<void>
  close(): Promise<void>
}

/** Batches that wait between two attempts, beside those in requests. */
const WAITING_BATCHES = 4
const MAX_NEW_INDICES_PER_HOUR = 100

export interface SinkSurroundings {
  readonly telemetry: Telemetry
  readonly draining: AbortSignal
  readonly cutOff: AbortSignal
}

/** The sink by the settings `sink.*` and `elasticsearch.*`. */
export function assembleSink(config: Config, { telemetry, draining, cutOff }: SinkSurroundings): Sink {
  const { sink, elasticsearch } = config
  const ready = () => Promise.resolve()
  const close = ready
  if (sink.type === 'file')
    return { index: writeLines(() => openFileOutput(sink.path ?? ''), { cutOff }), ready, close }
  if (sink.type === 'stdout') {
    return {
      index: writeLines(() => Promise.resolve(openStreamOutput(process.stdout, 'stdout')), { cutOff }),
      ready,
      close,
    }
  }
  const client = assembleElasticsearch(config, telemetry)
  const endpoint = elasticsearchBulk(client, { opType: elasticsearch.opType })
  const { probeIntervalMs } = elasticsearch.breaker
  const traffic = new BulkTraffic()
  const index = indexBatches({
    endpoint,
    indexName: indexName(elasticsearch.index),
    maxConcurrency: elasticsearch.maxConcurrency,
    maxHeldRecords: (elasticsearch.maxConcurrency + WAITING_BATCHES) * elasticsearch.maxBatchSize,
    retry: config.nlp.retry,
    probeIntervalMs,
    maxNewNamesPerHour: MAX_NEW_INDICES_PER_HOUR,
    traffic,
    telemetry,
    cutOff,
  })
  return {
    index,
    traffic,
    ready: () => awaitElasticsearch({ endpoint, probeIntervalMs, telemetry, draining }),
    close: () => client.close(),
  }
}

/** The client by the settings `elasticsearch.*`. Nothing is connected yet. */
export function assembleElasticsearch({ elasticsearch }: Config, telemetry: Telemetry): ElasticsearchClient {
  const { nodes, tls, maxConcurrency } = elasticsearch
  const encrypted = nodes.some((node) => node.startsWith('https:'))
  if (encrypted && !tls.verify && tls.fingerprint === undefined) {
    telemetry.warning(
      'elasticsearch.tls_unverified',
      'elasticsearch.tls.verify is false: its certificate is not verified',
    )
  }
  return elasticsearchClient({
    ...elasticsearch,
    maxConnections: maxConcurrency + 1,
  })
}
