import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { Delivery, Finished } from '../../src/delivery/delivery.js'
import type { EnrichedDocument } from '../../src/delivery/document.js'
import { EnrichdError, type FailureKind } from '../../src/errors.js'
import { batchForBulk } from '../../src/sink/bulk-batch.js'
import { indexBatches } from '../../src/sink/bulk-index.js'
import type { BulkEndpoint, ItemOutcome } from '../../src/sink/bulk-request.js'
import { BulkTraffic } from '../../src/sink/bulk-traffic.js'
import { indexName } from '../../src/sink/index-name.js'
import { inFlight, sinkRecord, toldTelemetry } from '../support/sink-records.js'

/** One answer of the script: to the request as a whole, or a list of item outcomes that is repeated. */
type Scripted = 'unreachable' | 'setting' | 'too-large' | 'bad-answer' | 'broken' | readonly ItemOutcome[]

const itemOutcome: fc.Arbitrary<ItemOutcome> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('indexed' as const, 'exists' as const) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      { status: 429, type: 'es_rejected_execution_exception', reason: undefined },
      { status: 400, type: 'document_parsing_exception', reason: undefined },
      { status: 400, type: 'odd_exception', reason: undefined },
      { status: 403, type: 'security_exception', reason: undefined },
    ),
  },
)
const scripted: fc.Arbitrary<Scripted> = fc.oneof(
  fc.constantFrom(
    'unreachable' as const,
    'setting' as const,
    'too-large' as const,
    'bad-answer' as const,
    'broken' as const,
  ),
  fc.array(itemOutcome, { minLength: 1, maxLength: 7 }),
)

const failure = (kind: FailureKind, code: EnrichdError['code']) =>
  new EnrichdError(code, 'scripted', { kind })

/** Answers by the script, then always well; every answer takes a few turns of the event loop. */
function endpointOf(script: readonly Scripted[], maxConcurrency: number) {
  let calls = 0
  const seen = { inFlight: 0, applied: new Map<string, number>() }
  const endpoint: BulkEndpoint = {
    async bulk(items, signal) {
      seen.inFlight++
      assert.ok(seen.inFlight <= maxConcurrency)
      const step = script[calls++] ?? ['indexed']
      for (let turn = calls % 4; turn >= 0; turn--) await new Promise((resolve) => setImmediate(resolve))
      seen.inFlight--
      signal.throwIfAborted()
      if (step === 'unreachable') throw failure('outage', 'INDEX_UNREACHABLE')
      if (step === 'setting') throw failure('setting', 'INDEX_MISCONFIGURED')
      if (step === 'too-large') throw failure('record', 'INDEX_TOO_LARGE')
      if (step === 'broken') throw new TypeError('a mistake of ours')
      if (step === 'bad-answer') throw failure('outage', 'INDEX_BAD_ANSWER')
      return items.map((item, position) => {
        const outcome = step[position % step.length]!
        if (outcome === 'indexed') seen.applied.set(item.id, (seen.applied.get(item.id) ?? 0) + 1)
        return outcome
      })
    },
    exists: async () => true,
    ping: async () => {},
    greet: async () => {},
    rewrite: async () => {},
  }
  return { endpoint, seen }
}

test('whatever Elasticsearch answers, every delivery comes out exactly once', async () => {
  const record = fc.constantFrom('live', 'dropped', 'moved', 'moves')
  await fc.assert(
    fc.asyncProperty(
      fc.array(scripted, { maxLength: 25 }),
      fc.array(record, { maxLength: 60 }),
      fc.record({
        maxConcurrency: fc.integer({ min: 1, max: 4 }),
        batchSize: fc.integer({ min: 1, max: 9 }),
        cutOffAfter: fc.option(fc.integer({ min: 0, max: 40 })),
        flushIntervalMs: fc.constantFrom(0, 1),
      }),
      async (script, plan, { maxConcurrency, batchSize, cutOffAfter, flushIntervalMs }) => {
        const traffic = new BulkTraffic()
        const { endpoint, seen } = endpointOf(script, maxConcurrency)
        const cutOff = new AbortController()
        const lease = new AbortController()
        const gone = AbortSignal.abort()
        const items = plan.map((kind, offset): Delivery<EnrichedDocument> => {
          if (kind === 'dropped') return { status: 'dropped', record: sinkRecord(offset), policy: 'p' }
          if (kind === 'moved') return inFlight(offset, { lease: gone })
          return kind === 'moves' ? inFlight(offset, { lease: lease.signal }) : inFlight(offset)
        })
        async function* source() {
          for (const [position, item] of items.entries()) {
            if (position === 20) lease.abort()
            if (position === cutOffAfter) cutOff.abort()
            yield item
          }
        }
        const batches = batchForBulk({
          batchSize,
          maxBatchSize: batchSize,
          batchBytes: 1 << 20,
          flushIntervalMs,
          traffic,
        })(source())
        const stage = indexBatches({
          endpoint,
          indexName: indexName('logs'),
          maxConcurrency,
          maxHeldRecords: 20,
          retry: { limit: 2, delayMs: 1 },
          probeIntervalMs: 1,
          maxNewNamesPerHour: 1,
          traffic,
          telemetry: toldTelemetry(),
          cutOff: cutOff.signal,
        })
        const finished: Finished[] = []
        for await (const one of stage(batches)) finished.push(one)

        const offsets = finished.map((one) => one.record.offset).sort((a, b) => a - b)
        assert.deepEqual(offsets, [...items.keys()])
        for (const one of finished) {
          const kind = plan[one.record.offset]
          if (kind === 'dropped') assert.equal(one, items[one.record.offset])
          if (kind === 'moved') assert.equal(one.status, 'released')
          if (kind === 'live' && cutOffAfter === null) assert.notEqual(one.status, 'released')
          if (one.status === 'indexed' && one.receipt.outcome === 'indexed')
            assert.ok(seen.applied.has(one.record.id))
        }
        assert.equal(seen.inFlight, 0)
        assert.ok(traffic.quiet)
      },
    ),
    { numRuns: 200 },
  )
})
