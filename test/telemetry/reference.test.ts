import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { reject } from '../../src/delivery/delivery.js'
import { EnrichdError } from '../../src/errors.js'
import { eventNamed, events } from '../../src/telemetry/events.js'
import { histogramDefinitions, metricDefinitions } from '../../src/telemetry/metric-definitions.js'
import { logsAndMetricsReference } from '../../src/telemetry/reference.js'
import { sourceRecord } from '../support/source-record.js'
import { testTelemetry } from './support/test-telemetry.js'

const page = new URL('../../docs/logs-and-metrics.md', import.meta.url)

/** What the contract promises to dashboards. */
const promised = [
  'enrichd_records_total',
  'enrichd_retries_total',
  'enrichd_nlp_request_duration_seconds',
  'enrichd_nlp_in_flight',
  'enrichd_nlp_concurrency_limit',
  'enrichd_bulk_duration_seconds',
  'enrichd_bulk_size',
  'enrichd_end_to_end_seconds',
  'enrichd_lag',
  'enrichd_committed_offset',
  'enrichd_buffered_records',
  'enrichd_buffered_bytes',
]

describe('the reference of logs and metrics', () => {
  it('is current', () => {
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(page, logsAndMetricsReference())
    assert.equal(readFileSync(page, 'utf8'), logsAndMetricsReference())
  })

  it('names exactly the metrics that are served, with exactly their labels', async () => {
    const { metrics, watch, telemetry } = testTelemetry()
    const error = new EnrichdError('NLP_REJECTED', 'no', { kind: 'record' })
    const record = sourceRecord('x')
    telemetry.recordFinished(
      reject(record, { reason: 'nlp-rejected', stage: 'enrich', attempts: 1, error }),
      1,
    )
    telemetry.recordFinished({ status: 'dropped', record, policy: 'decode.onTombstone' }, 1)
    telemetry.retrying('enrich', error)
    const partitions = [
      { topic: 't', partition: 0, committed: 1, position: 2, highWatermark: 3, unsettled: 1, paused: false },
    ]
    watch({ source: () => ({ joined: true, waiting: 0, inFlight: 0, bufferedBytes: 0, partitions }) })
    const text = await metrics()
    const served = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map((match) => `${match[1]} ${match[2]}`)
    const documented = [...readFileSync(page, 'utf8').matchAll(/^\| `(enrichd_\w+)` \| (\w+)/gm)]
    assert.deepEqual(served.sort(), documented.map((match) => `${match[1]} ${match[2]}`).sort())
    for (const { name, labels } of metricDefinitions) {
      const line = text.split('\n').find((each) => each.startsWith(`${name}{`) || each.startsWith(`${name} `))
      const seen = [...(line ?? '').matchAll(/(\w+)="/g)].map((match) => match[1])
      assert.deepEqual(seen, labels, name)
    }
  })

  it('has every metric that the contract promises', () => {
    const names = [...metricDefinitions, ...Object.values(histogramDefinitions)].map(({ name }) => name)
    assert.deepEqual(
      promised.filter((name) => !(names as string[]).includes(name)),
      [],
    )
  })

  it('knows every event that the source code tells by name', () => {
    const told = sourceFiles().flatMap((file) => {
      const source = readFileSync(file, 'utf8')
      const calls = source.matchAll(/\.(?:warning|notice)\(\s*['"`]([\w.-]+)['"`]|\bevent: '([\w.]+)'/g)
      return [...calls].map((match) => match[1] ?? match[2] ?? '')
    })
    assert.ok(told.length > 5)
    assert.deepEqual(
      [...new Set(told)].filter((name) => eventNamed(name) === undefined),
      [],
    )
  })

  it('says of each event what it tells', () => {
    for (const [name, { tells }] of Object.entries(events)) assert.ok(tells.length > 10, name)
  })
})

function sourceFiles(): string[] {
  const root = new URL('../../src/', import.meta.url).pathname
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(root, name))
}
