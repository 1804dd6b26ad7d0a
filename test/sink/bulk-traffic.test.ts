import assert from 'node:assert/strict'
import test from 'node:test'
import { batchForBulk } from '../../src/sink/bulk-batch.js'
import { indexBatches } from '../../src/sink/bulk-index.js'
import type { BulkEndpoint } from '../../src/sink/bulk-request.js'
import { BulkTraffic } from '../../src/sink/bulk-traffic.js'
import { indexName } from '../../src/sink/index-name.js'
import { FakeClock } from '../support/fake-clock.js'
import { inFlight, toArray, toldTelemetry, until } from '../support/sink-records.js'

test('with an age of 0 what comes while a request is under way is one request after it', async () => {
  const requests: number[] = []
  const answers: (() => void)[] = []
  const endpoint: BulkEndpoint = {
    async bulk(items) {
      requests.push(items.length)
      await new Promise<void>((answer) => answers.push(answer))
      return items.map(() => 'indexed' as const)
    },
    exists: async () => true,
    ping: async () => {},
    greet: async () => {},
    rewrite: async () => {},
  }
  let end = () => {}
  const open = new Promise<void>((resolve) => (end = resolve))
  async function* source() {
    for (let offset = 0; offset < 10; offset++) yield inFlight(offset)
    await open
  }
  const traffic = new BulkTraffic()
  const clock = new FakeClock()
  const batching = { batchSize: 50, maxBatchSize: 50, batchBytes: 1 << 20, flushIntervalMs: 0 }
  const stage = indexBatches({
    endpoint,
    indexName: indexName('logs'),
    maxConcurrency: 4,
    maxHeldRecords: 200,
    retry: { limit: 2, delayMs: 1 },
    probeIntervalMs: 1000,
    maxNewNamesPerHour: 1,
    traffic,
    telemetry: toldTelemetry(),
    clock,
  })
  const finished = toArray(stage(batchForBulk({ ...batching, traffic, clock })(source())))
  await until(() => requests.length === 1, 'the first request')
  await new Promise(setImmediate)
  answers[0]?.()
  await until(() => requests.length === 2, 'the second request')
  answers[1]?.()
  end()
  assert.equal((await finished).length, 10)
  assert.deepEqual(requests, [1, 9])
})
