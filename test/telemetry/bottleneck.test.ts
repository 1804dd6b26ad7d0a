import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { bottleneck, type FlowView } from '../../src/telemetry/bottleneck.js'
import type { DependencyStatus } from '../../src/telemetry/dependency-board.js'
import type { Dependency } from '../../src/telemetry/telemetry.js'

const calm: FlowView = {
  state: 'running',
  dependencies: [],
  rates: {
    recordsPerSecond: 500,
    fetchedPerSecond: 500,
    nlp: { perSecond: 500, inFlight: 2, msEach: 4 },
    bulk: { perSecond: 10, inFlight: 0.2, msEach: 20, documentsEach: 50 },
    eventLoopBusy: 0.3,
  },
  limits: { nlp: 10, nlpConfigured: 10, nlpPerSecond: 0, bulk: 4, bufferedBytes: 64 * 1_048_576 },
  lag: 40,
  buffered: { records: 12, bytes: 4000 },
  partitions: 6,
  pausedPartitions: 0,
}

type Changes = {
  [Key in keyof FlowView]?: FlowView[Key] extends object ? Partial<FlowView[Key]> : FlowView[Key]
}

function view({ rates, limits, buffered, ...rest }: Changes): FlowView {
  return {
    ...calm,
    ...(rest as Partial<FlowView>),
    rates: { ...calm.rates, ...rates },
    limits: { ...calm.limits, ...limits },
    buffered: { ...calm.buffered, ...buffered },
  }
}

function down(name: Dependency, kind: 'outage' | 'setting', message: string): DependencyStatus {
  const why = { code: 'INTERNAL', kind, message } as const
  return { name, state: 'down', forMs: 12_400, why, waits: 1, waitedMs: 12_400 }
}

const nlpFull = { perSecond: 208, inFlight: 9.96, msEach: 48 }
const bulkFull = { perSecond: 13, inFlight: 3.9, msEach: 310, documentsEach: 50 }

const table: readonly [situation: string, view: FlowView, at: string, sentence: string][] = [
  [
    'every NLP call that is allowed is in flight',
    view({ rates: { nlp: nlpFull }, lag: 90_000 }),
    'nlp',
    'waiting for the NLP service: 10 of 10 in flight, 48 ms each; raise nlp.maxConcurrency or scale it out',
  ],
  [
    'the NLP service pushes back',
    view({ rates: { nlp: { ...nlpFull, inFlight: 3 } }, limits: { nlp: 3 } }),
    'nlp',
    'waiting for the NLP service: 3 of 3 in flight, 48 ms each; it pushes back, so the limit is below nlp.maxConcurrency (10); scale it out',
  ],
  [
    'no NLP call has been answered yet',
    view({ rates: { nlp: { perSecond: 0, inFlight: 10, msEach: undefined } } }),
    'nlp',
    'waiting for the NLP service: 10 of 10 in flight, none answered yet; raise nlp.maxConcurrency or scale it out',
  ],
  [
    'every bulk request that is allowed is in flight',
    view({ rates: { bulk: bulkFull } }),
    'elasticsearch',
    'waiting for Elasticsearch: 4 of 4 bulk requests in flight, 310 ms each for 50 documents; raise elasticsearch.maxBatchSize or elasticsearch.maxConcurrency, or scale it out',
  ],
  [
    'both are full, and the one further down holds up the other',
    view({ rates: { nlp: { ...nlpFull, inFlight: 9 }, bulk: { ...bulkFull, inFlight: 4 } } }),
    'elasticsearch',
    'waiting for Elasticsearch: 4 of 4 bulk requests in flight, 310 ms each for 50 documents; raise elasticsearch.maxBatchSize or elasticsearch.maxConcurrency, or scale it out',
  ],
  [
    'the CPU is used up, whatever else is full',
    view({ rates: { eventLoopBusy: 0.97, nlp: nlpFull } }),
    'cpu',
    'waiting for the CPU: the event loop is 97 % busy; add members to the consumer group (partitions to share: 6)',
  ],
  [
    'the rate limit is reached',
    view({ limits: { nlpPerSecond: 500 } }),
    'rate-limit',
    'held to nlp.maxRequestsPerSecond: 500 of 500 NLP calls a second',
  ],
  [
    'the bound on memory is reached',
    view({ buffered: { records: 64, bytes: 63 * 1_048_576 } }),
    'memory',
    'held up by memory: 63 MiB of 64 MiB in use; raise pipeline.maxBufferedBytes',
  ],
  [
    'a partition is stuck behind a slow record',
    view({ pausedPartitions: 1 }),
    'order',
    'partitions that wait for a record that takes long: 1 of 6; too much behind it is done and not committable yet',
  ],
  [
    'a dependency is down',
    view({ dependencies: [down('nlp', 'outage', 'connection refused')] }),
    'nlp',
    'waiting for the NLP service, down for 12 s: connection refused',
  ],
  [
    'a setting is wrong',
    view({ dependencies: [down('elasticsearch', 'setting', 'elasticsearch.apiKey was refused')] }),
    'elasticsearch',
    'a setting must be changed for Elasticsearch (since 12 s): elasticsearch.apiKey was refused',
  ],
  [
    'several are down',
    view({ dependencies: [down('nlp', 'outage', 'refused'), down('elasticsearch', 'outage', 'no route')] }),
    'elasticsearch',
    'waiting for Elasticsearch, down for 12 s: no route; also down: the NLP service',
  ],
  [
    'a dependency is down during the drain',
    view({ state: 'draining', dependencies: [down('elasticsearch', 'outage', 'no route')] }),
    'elasticsearch',
    'draining, waiting for Elasticsearch, down for 12 s: no route',
  ],
  ['it starts', view({ state: 'starting' }), 'start', 'starting: waiting to join the consumer group'],
  [
    'it drains',
    view({ state: 'draining' }),
    'drain',
    'draining: finishing what is in flight (2 NLP calls and 0.2 bulk requests)',
  ],
  ['nothing is held up', calm, 'nothing', 'keeping up: 500 records/s, nothing waits'],
  [
    'there is nothing to do',
    view({ lag: 0, rates: { recordsPerSecond: 0 }, buffered: { records: 0, bytes: 0 } }),
    'nothing',
    'idle: no records to work on',
  ],
  [
    'there is a backlog and no limit is reached',
    view({ lag: 90_000 }),
    'source',
    'catching up at 500 records/s, 90,000 behind; no limit is reached: what Kafka hands over in one fetch, or a burst, decides',
  ],
]

describe('the bottleneck', () => {
  for (const [situation, given, at, sentence] of table) {
    it(`is told in words when ${situation}`, () => {
      assert.deepEqual(bottleneck(given), { at, sentence })
    })
  }

  it('is one line of words without undefined or NaN for any numbers', () => {
    const number = fc.oneof(fc.nat(), fc.double({ min: 0, max: 1e9, noNaN: true }))
    const maybe = fc.option(number, { nil: undefined })
    const flow = fc.record({
      state: fc.constantFrom('starting', 'running', 'draining', 'stopped'),
      dependencies: fc.subarray([down('kafka', 'outage', 'x'), down('dead-letter', 'setting', 'y')]),
      rates: fc.record({
        recordsPerSecond: number,
        fetchedPerSecond: number,
        nlp: fc.record({ perSecond: number, inFlight: number, msEach: maybe }),
        bulk: fc.record({ perSecond: number, inFlight: number, msEach: maybe, documentsEach: maybe }),
        eventLoopBusy: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
      limits: fc.record({
        nlp: fc.nat(),
        nlpConfigured: fc.nat(),
        nlpPerSecond: fc.nat(),
        bulk: fc.nat(),
        bufferedBytes: fc.nat(),
      }),
      lag: maybe,
      buffered: fc.record({ records: fc.nat(), bytes: fc.nat() }),
      partitions: fc.nat(),
      pausedPartitions: fc.nat(),
    })
    fc.assert(
      fc.property(flow, (given) => {
        const { sentence } = bottleneck(given)
        assert.doesNotMatch(sentence, /undefined|NaN|\n/)
        assert.ok(sentence.length > 10)
      }),
    )
  })
})
