import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Client } from '@elastic/elasticsearch'
import { awaitElasticsearch } from '../../src/sink/await-elasticsearch.js'
import { elasticsearchBulk } from '../../src/sink/bulk-request.js'
import { elasticsearchClient } from '../../src/sink/elasticsearch-client.js'
import { startFakeElasticsearch, type FakeElasticsearch } from '../support/fake-elasticsearch.js'
import { toldTelemetry } from '../support/sink-records.js'
import { until } from '../support/until.js'

describe('the wait for Elasticsearch at the start', () => {
  let fake: FakeElasticsearch
  let client: Client
  beforeEach(async () => {
    fake = await startFakeElasticsearch()
    client = elasticsearchClient({
      nodes: [fake.url],
      requestTimeoutMs: 30_000,
      compression: false,
      maxConnections: 2,
    })
  })
  afterEach(async () => {
    await client.close()
    await fake.close()
  })

  function wait(draining: AbortSignal): Promise<void> {
    const endpoint = elasticsearchBulk(client, { opType: 'index' })
    return awaitElasticsearch({ endpoint, probeIntervalMs: 50, telemetry: toldTelemetry(), draining })
  }

  it('ends with the first answer, whatever that says of this request', async () => {
    for (const status of [200, 403, 404, 405]) {
      fake.onHead = () => status
      await wait(new AbortController().signal)
    }
  })

  it('goes on while the login is refused, while it is overloaded, and while nothing answers', async () => {
    const answers: (number | 'hang')[] = [401, 503, 429, 'hang', 'hang']
    let asked = 0
    fake.onHead = () => answers[asked++] ?? 200
    const { signal } = new AbortController()
    let abortEvents = 0
    signal.addEventListener('abort', () => abortEvents++)
    await wait(signal)
    assert.equal(asked, answers.length + 1)
    assert.equal(abortEvents, 0, 'a time-out is no drain: the signal is that of the whole daemon')
  })

  it('ends at once when the drain begins', async () => {
    let asked = 0
    fake.onHead = () => {
      asked++
      return 'hang'
    }
    const draining = new AbortController()
    const waiting = wait(draining.signal)
    await until('it has asked', () => asked > 0)
    draining.abort(new Error('draining'))
    await waiting
  })
})
