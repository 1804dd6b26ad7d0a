import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { EnrichdError } from '../../src/errors.js'
import { partitionList } from '../../src/telemetry/partition-list.js'
import { LabelledCounts, Level } from '../../src/telemetry/run-counts.js'
import type { PartitionView, SourceView } from '../../src/telemetry/run-status.js'
import { sourceRecord } from '../support/source-record.js'
import { manualClock } from './support/manual-clock.js'
import { testTelemetry } from './support/test-telemetry.js'

const partition: PartitionView = {
  topic: 'logs',
  partition: 0,
  committed: 100,
  position: 180,
  highWatermark: 1000,
  unsettled: 40,
  paused: false,
}

function source(overrides: Partial<SourceView> = {}): SourceView {
  return {
    joined: true,
    waiting: 30,
    inFlight: 10,
    bufferedBytes: 4096,
    partitions: [partition],
    ...overrides,
  }
}

function index(telemetry: ReturnType<typeof testTelemetry>['telemetry'], count: number): void {
  const record = sourceRecord('x')
  for (let at = 0; at < count; at++) {
    telemetry.recordFinished(
      { status: 'indexed', record, receipt: { index: 'i', id: record.id, outcome: 'indexed' } },
      5,
    )
  }
}

describe('the progress line', () => {
  it('says every five seconds what was done, how fast, and where the bottleneck is', async () => {
    const { telemetry, named, clock, start, watch, close } = testTelemetry()
    watch({ source: () => source() })
    start()
    telemetry.lifecycle('running')
    telemetry.nlpInFlight(10)
    for (let second = 0; second < 5; second++) {
      index(telemetry, 200)
      for (let call = 0; call < 200; call++) telemetry.nlpRequestFinished(48, 'ok', 1)
      clock.advance(1000)
    }
    const [line] = named('pipeline.progress')
    assert.equal(named('pipeline.progress').length, 1)
    assert.equal(line?.level, 'info')
    assert.match(
      line.msg,
      /^processed 1,000 \(\d+\/s\), errors 0, retried 0, lag 900: waiting for the NLP service: 10 of 10 in flight, 48 ms each; raise nlp\.maxConcurrency or scale it out$/,
    )
    assert.equal(line['processed'], 1000)
    assert.equal(line['lag'], 900)
    assert.equal(line['inFlight'], 10)
    assert.equal(line['buffered'], 40)
    assert.equal(line['recordsPerSecond'], 200)
    await close()
  })

  it('is silent while there is nothing to do', async () => {
    const { output, clock, start, watch, close } = testTelemetry()
    const caughtUp = { ...partition, committed: 1000, position: 1000, unsettled: 0 }
    watch({ source: () => source({ waiting: 0, inFlight: 0, partitions: [caughtUp] }) })
    start()
    clock.advance(3_600_000)
    assert.deepEqual(output.raw, [])
    await close()
  })

  it('comes once a minute while records wait and none is settled', async () => {
    const { named, clock, start, watch, close } = testTelemetry()
    watch({ source: () => source() })
    start()
    clock.advance(180_000)
    assert.equal(named('pipeline.progress').length, 3)
    await close()
  })

  it('ends with close, and leaves no timer behind', async () => {
    const { clock, start, close } = testTelemetry()
    start()
    start()
    assert.equal(clock.timers, 1)
    await close()
    await close()
    assert.equal(clock.timers, 0)
  })
})

describe('the status', () => {
  it('tells everything that is known as one object', () => {
    const { telemetry, status, watch, clock } = testTelemetry()
    watch({ source: () => source(), drain: () => ({ reason: 'received SIGTERM', forMs: 3, msLeft: 997 }) })
    index(telemetry, 3)
    telemetry.nlpConcurrencyLimit(7)
    telemetry.nlpInFlight(4)
    telemetry.nlpCache(1, 2, 3)
    telemetry.bulkFinished(10, 3, 'partial')
    const error = new EnrichdError('NLP_OVERLOADED', 'answered 503', { kind: 'outage' })
    telemetry.dependencyDown('nlp', error)
    clock.advance(1500)
    const { counters, nlp, bulk, buffered, lag, partitions, dependencies, drain, uptimeMs } = status()
    assert.equal(counters.processed, 3)
    assert.deepEqual(nlp, {
      inFlight: 4,
      limit: 7,
      ok: 0,
      failed: 0,
      cache: { hits: 1, coalesced: 2, misses: 3 },
    })
    assert.deepEqual(bulk, { inFlight: 0, ok: 0, partial: 1, failed: 0 })
    assert.deepEqual(buffered, { records: 40, bytes: 4096 })
    assert.equal(lag, 900)
    assert.deepEqual(partitions, [{ ...partition, lag: 900 }])
    assert.equal(uptimeMs, 1500)
    assert.deepEqual(drain, { reason: 'received SIGTERM', forMs: 3, msLeft: 997 })
    assert.deepEqual(
      dependencies.map(({ name, state }) => `${name} ${state}`),
      ['kafka unknown', 'nlp down', 'elasticsearch up', 'dead-letter unknown'],
    )
    const why = { code: 'NLP_OVERLOADED', kind: 'outage', message: 'answered 503' }
    assert.deepEqual(dependencies[1], {
      name: 'nlp',
      state: 'down',
      forMs: 1500,
      why,
      waits: 1,
      waitedMs: 1500,
    })
  })

  it('knows the lag before the first commit, from what was read and is settled', () => {
    const { status, watch } = testTelemetry()
    const fresh = { ...partition, committed: undefined }
    watch({
      source: () => source({ partitions: [fresh, { ...fresh, partition: 1, highWatermark: undefined }] }),
    })
    assert.equal(status().lag, 860)
    assert.equal(status().partitions[1]?.lag, undefined)
  })

  it('stays down while single calls succeed, until the line goes on', () => {
    const { telemetry, status } = testTelemetry()
    const nlp = () => status().dependencies.find(({ name }) => name === 'nlp')?.state
    telemetry.nlpRequestFinished(1, 'ok', 1)
    assert.equal(nlp(), 'up')
    telemetry.dependencyDown('nlp', new EnrichdError('NLP_UNREACHABLE', 'x', { kind: 'outage' }))
    telemetry.nlpRequestFinished(1, 'ok', 1)
    assert.equal(nlp(), 'down')
    telemetry.dependencyUp('nlp', 5)
    assert.equal(nlp(), 'up')
  })
})

describe('metrics', () => {
  it('forget the partitions that moved away', async () => {
    const { metrics, watch } = testTelemetry()
    watch({ source: () => source() })
    assert.match(await metrics(), /^enrichd_lag\{topic="logs",partition="0"\} 900$/m)
    watch({ source: () => source({ partitions: [] }) })
    assert.doesNotMatch(await metrics(), /^enrichd_lag\{/m)
  })

  it('keep counters from one scrape to the next', async () => {
    const { telemetry, metrics } = testTelemetry()
    index(telemetry, 2)
    await metrics()
    index(telemetry, 1)
    const text = await metrics()
    assert.match(text, /^enrichd_records_total\{outcome="indexed"\} 3$/m)
    assert.match(text, /^enrichd_records_total\{outcome="dead_lettered"\} 0$/m)
    assert.match(text, /^enrichd_end_to_end_seconds_count 3$/m)
  })

  it('take any number that a clock may give, and never throw', async () => {
    const { telemetry, metrics } = testTelemetry()
    for (const odd of [NaN, -5, Infinity]) {
      telemetry.nlpRequestFinished(odd, 'ok', 1)
      telemetry.bulkFinished(odd, 1, 'ok')
      telemetry.recordFinished({ status: 'dropped', record: sourceRecord('x'), policy: 'p' }, odd)
    }
    assert.match(await metrics(), /^enrichd_nlp_request_duration_seconds_count 3$/m)
  })

  it('have a bounded number of labels', () => {
    const counts = new LabelledCounts()
    for (let at = 0; at < 1000; at++) counts.add(`label ${at}`)
    assert.equal([...counts.entries()].length, 33)
    assert.equal(counts.total, 1000)
  })

  it('know the mean of a level exactly', () => {
    const step = fc.record({ value: fc.nat(100), forMs: fc.nat(1000) })
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const clock = manualClock()
        const level = new Level(clock)
        for (const { value, forMs } of steps) {
          level.set(value)
          clock.advance(forMs)
        }
        assert.equal(
          level.integral,
          steps.reduce((sum, { value, forMs }) => sum + value * forMs, 0),
        )
      }),
    )
  })
})

describe('a list of partitions', () => {
  it('is short, however many there are', () => {
    const of = (topic: string, numbers: number[]) => numbers.map((number) => ({ topic, partition: number }))
    assert.equal(partitionList([...of('b', [7, 2, 1, 0]), ...of('a', [5])]), 'b[0-2,7] a[5]')
    assert.equal(partitionList([]), 'none')
    const many = Array.from({ length: 50 }, (_, at) => ({ topic: `t${at}`, partition: 0 }))
    assert.match(partitionList(many), / and 30 more topics$/)
  })
})
