import test from 'node:test'
import type { Client } from '@elastic/elasticsearch'
import type { Delivery, Finished, Rejected } from '../../src/delivery/delivery.js'
import type { EnrichedDocument } from '../../src/delivery/document.js'
import { indexBatches, type IndexBatchesOptions } from '../../src/sink/bulk-index.js'
import { elasticsearchBulk, type OpType } from '../../src/sink/bulk-request.js'
import { elasticsearchClient } from '../../src/sink/elasticsearch-client.js'
import { indexName } from '../../src/sink/index-name.js'
import { startFakeElasticsearch, type FakeElasticsearch } from './fake-elasticsearch.js'
import { fromArray, inFlight, toArray, toldTelemetry, type ToldTelemetry } from './sink-records.js'

type Batch = readonly Delivery<EnrichedDocument>[]

export interface Bench {
  readonly fake: FakeElasticsearch
  readonly told: ToldTelemetry
  readonly stage: (source: AsyncIterable<Batch> | readonly Batch[]) => AsyncIterable<Finished>
  readonly run: (source: AsyncIterable<Batch> | readonly Batch[]) => Promise<Finished[]>
}

export type Settings = Partial<IndexBatchesOptions> & { opType?: OpType; requestTimeoutMs?: number }

/** A test against the stand-in, which is closed afterwards and must then have nothing in flight. */
export function bench(name: string, body: (bench: Bench) => Promise<void>, settings: Settings = {}): void {
  test(name, { timeout: 10_000 }, async () => {
    const fake = await startFakeElasticsearch()
    const { requestTimeoutMs = 2000, opType = 'index', ...others } = settings
    const client: Client = elasticsearchClient({
      nodes: [fake.url],
      requestTimeoutMs,
      compression: false,
      maxConnections: 16,
    })
    const told = toldTelemetry()
    const options: IndexBatchesOptions = {
      endpoint: elasticsearchBulk(client, { opType }),
      indexName: indexName('logs-{yyyy}'),
      maxConcurrency: 4,
      maxHeldRecords: 1000,
      retry: { limit: 3, delayMs: 5 },
      probeIntervalMs: 20,
      maxNewNamesPerHour: 100,
      telemetry: told,
      ...others,
    }
    const stage: Bench['stage'] = (source) =>
      indexBatches(options)('at' in source ? fromArray(source) : source)
    try {
      await body({ fake, told, stage, run: (source) => toArray(stage(source)) })
    } finally {
      await client.close()
      await fake.close()
    }
  })
}

export const records = (count: number, from = 0) =>
  Array.from({ length: count }, (_, position) => inFlight(from + position))
export const offsets = (finished: readonly Finished[]) =>
  finished.map(({ record }) => record.offset).sort((a, b) => a - b)
export const range = (count: number) => Array.from({ length: count }, (_, position) => position)
export const rejected = (finished: readonly Finished[]) =>
  finished.filter((one): one is Rejected => one.status === 'rejected')
