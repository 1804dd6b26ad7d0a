import assert from 'node:assert/strict'
import test, { after, before } from 'node:test'
import type { Client } from '@elastic/elasticsearch'
import type { Delivery, Rejected } from '../../src/delivery/delivery.js'
import type { EnrichedDocument } from '../../src/delivery/document.js'
import { EnrichdError } from '../../src/errors.js'
import { batchForBulk } from '../../src/sink/bulk-batch.js'
import { indexBatches, type IndexBatchesOptions } from '../../src/sink/bulk-index.js'
import { elasticsearchBulk } from '../../src/sink/bulk-request.js'
import { elasticsearchClient } from '../../src/sink/elasticsearch-client.js'
import { indexName } from '../../src/sink/index-name.js'
import { EsTestClient } from '../support/es-test-client.js'
import {
  byStatus,
  fromArray,
  sinkDocument,
  sinkRecord,
  toArray,
  toldTelemetry,
} from '../support/sink-records.js'
import { sharedStack } from '../support/stack.js'

const stack = sharedStack()
const url = process.env.ENRICHD_TEST_ES ?? stack.elasticsearch
const skip = process.env.ENRICHD_TEST_ES === undefined ? stack.skip : false
const prefix = `sink-test-${process.pid}-${Date.now().toString(36)}`
const es = new EsTestClient(url)
let client: Client

before(() => {
  if (skip === false) {
    client = elasticsearchClient({
      nodes: [url],
      requestTimeoutMs: 30_000,
      compression: true,
      maxConnections: 8,
    })
  }
})
after(async () => {
  if (skip !== false) return
  await client.close()
  await es.deleteIndex(`${prefix}*`)
})

function run(items: readonly Delivery<EnrichedDocument>[], changes: Partial<IndexBatchesOptions> = {}) {
  const stage = indexBatches({
    endpoint: elasticsearchBulk(client, { opType: 'index' }),
    indexName: indexName(`${prefix}-{yyyy}`),
    maxConcurrency: 4,
    maxHeldRecords: 1000,
    retry: { limit: 3, delayMs: 10 },
    probeIntervalMs: 100,
    maxNewNamesPerHour: 100,
    telemetry: toldTelemetry(),
    ...changes,
  })
  const bounds = { batchSize: 50, maxBatchSize: 500, batchBytes: 5 << 20, flushIntervalMs: 100 }
  return toArray(stage(batchForBulk(bounds)(fromArray(items))))
}

const document = (
  offset: number,
  source: Record<string, unknown>,
  year = 2024,
): Delivery<EnrichedDocument> => ({
  status: 'in-flight',
  record: sinkRecord(offset),
  value: sinkDocument(source, Date.UTC(year, 5)),
})

test(
  '10,000 documents are in the index, in that of their own year, and a second time changes nothing',
  { skip },
  async () => {
    const items = Array.from({ length: 10_000 }, (_, offset) =>
      document(offset, { offset }, 2005 + (offset % 20)),
    )
    for (let delivery = 0; delivery < 2; delivery++) {
      assert.equal(byStatus(await run(items)).indexed, 10_000)
      assert.equal(await es.count(`${prefix}-*`), 10_000)
    }
    assert.equal((await es.indices(`${prefix}-*`)).length, 20)
    assert.equal(await es.count(`${prefix}-2005`), 500)
  },
)

test(
  'what a mapping refuses is rejected with the server’s reason, and the others are indexed',
  { skip },
  async () => {
    const index = `${prefix}-mapped`
    await es.createIndex(index, {
      settings: { 'index.mapping.total_fields.limit': 4 },
      mappings: { properties: { n: { type: 'long' }, o: { type: 'object' } } },
    })
    const bad: Record<number, Record<string, unknown>> = {
      10: { n: 'not a number' },
      20: { o: 'not an object' },
      30: Object.fromEntries(Array.from({ length: 20 }, (_, field) => [`f${field}`, field])),
      40: { n: { a: 1 } },
    }
    const items = Array.from({ length: 200 }, (_, offset) => document(offset, bad[offset] ?? { n: offset }))
    const finished = await run(items, { indexName: indexName(index) })
    const rejections = finished.filter((one): one is Rejected => one.status === 'rejected')
    assert.deepEqual(
      rejections
        .map(({ record, reason }) => [record.offset, reason])
        .sort(([a], [b]) => Number(a) - Number(b)),
      [10, 20, 30, 40].map((offset) => [offset, 'document-rejected']),
    )
    for (const { error } of rejections) {
      assert.ok(error instanceof EnrichdError)
      assert.equal(error.code, 'INDEX_REJECTED')
      assert.doesNotMatch(error.message, /not a number|not an object/)
    }
    assert.equal(await es.count(index), 196)
  },
)

test('a strict mapping refuses an unknown field, and only the record that has it', { skip }, async () => {
  const index = `${prefix}-strict`
  await es.createIndex(index, { mappings: { dynamic: 'strict', properties: { n: { type: 'long' } } } })
  const items = [document(0, { n: 1 }), document(1, { n: 2, extra: true }), document(2, { n: 3 })]
  const finished = await run(items, { indexName: indexName(index) })
  assert.deepEqual(byStatus(finished), { indexed: 2, rejected: 1, dropped: 0, released: 0 })
})

test('with create a document that is there is a success', { skip }, async () => {
  const changes = {
    endpoint: elasticsearchBulk(client, { opType: 'create' }),
    indexName: indexName(`${prefix}-create`),
    // A first bulk that is slow, since it makes the index, shall not be taken for lost and sent again.
    probeIntervalMs: 10_000,
  }
  const items = [document(0, { n: 1 }), document(1, { n: 2 })]
  const outcomes: string[] = []
  for (let delivery = 0; delivery < 2; delivery++) {
    for (const one of await run(items, changes))
      outcomes.push(one.status === 'indexed' ? one.receipt.outcome : one.status)
  }
  assert.deepEqual(outcomes, ['indexed', 'indexed', 'exists', 'exists'])
})

test(
  'a closed index and a blocked one make their records wait, and they go in afterwards',
  { skip },
  async () => {
    const index = `${prefix}-blocked`
    await es.createIndex(index)
    const block = (blocked: boolean) =>
      client.indices.putSettings({ index, settings: { 'index.blocks.write': blocked } })
    await block(true)
    const telemetry = toldTelemetry()
    const finished = run([document(0, { n: 1 })], { indexName: indexName(index), telemetry })
    while (telemetry.count('dependencyStillDown') < 2) await new Promise((resolve) => setTimeout(resolve, 20))
    await block(false)
    assert.equal(byStatus(await finished).indexed, 1)
    const [, error] = telemetry.told.find(({ event }) => event === 'dependencyDown')?.args as [
      string,
      unknown,
    ]
    assert.ok(error instanceof EnrichdError)
    assert.deepEqual([error.code, error.kind], ['INDEX_UNAVAILABLE', 'outage'])

    await client.indices.close({ index })
    const later = run([document(1, { n: 2 })], { indexName: indexName(index) })
    await new Promise((resolve) => setTimeout(resolve, 300))
    await client.indices.open({ index })
    assert.equal(byStatus(await later).indexed, 1)
    assert.equal(await es.count(index), 2)
  },
)

test('an index that is deleted meanwhile is made again', { skip }, async () => {
  const index = `${prefix}-deleted`
  const changes = { indexName: indexName(index) }
  await run([document(0, { n: 1 })], changes)
  await client.indices.delete({ index })
  assert.equal(byStatus(await run([document(1, { n: 2 })], changes)).indexed, 1)
  assert.equal(await es.count(index), 1)
})
