import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FakeNlpSettings } from '../support/fake-nlp.js'
import type { Fault } from '../support/fault-proxy.js'
import { sharedStack } from '../support/stack.js'
import { inFlight, latencyMs, Lab, longForm, objections, summary } from './support/lab.js'
import { measurableRate, outageMs, surviveOutages, type Outage } from './support/outages.js'

const stack = sharedStack()
const healthy: FakeNlpSettings = { latencyMs }
const shortMs = 4000

function proxied(name: string, fault: Fault, more: Partial<Outage> = {}): Outage {
  return {
    name,
    begin: (lab) => lab.nlpProxy.set(fault),
    end: (lab) => lab.nlpProxy.set({ kind: 'pass' }),
    ...more,
  }
}

function answered(name: string, settings: FakeNlpSettings, more: Partial<Outage> = {}): Outage {
  return {
    name,
    begin: (lab) => {
      lab.nlp.change({ ...healthy, ...settings })
    },
    end: (lab) => {
      lab.nlp.change(healthy)
    },
    ...more,
  }
}

/** Answers that the proxy swallowed are asked for again: at most those in flight, and what was asked about in doubt. */
const swallowed = inFlight + 2
const inTwoSeconds = () => new Date(Date.now() + 2000).toUTCString()

const outages: readonly Outage[] = [
  proxied('refused', { kind: 'refuse' }, { repeatedCalls: swallowed, short: true }),
  proxied('reset half-way through the answer', { kind: 'reset', afterBytes: 100 }, { repeatedCalls: 1000 }),
  proxied('black-holed', { kind: 'black-hole' }, { repeatedCalls: swallowed, short: true }),
  proxied('frozen', { kind: 'freeze' }, { repeatedCalls: swallowed }),
  answered('reset', { fault: 'reset' }, { short: true }),
  answered('hanging', { fault: 'hang' }, { repeatedCalls: 1 }),
  answered('half answers', { fault: 'half' }, { short: true, repeatedCalls: 2 }),
  answered('500 to everything', { status: 500 }, { short: true, repeatedCalls: 2 }),
  answered('502 to everything', { status: 502 }, { repeatedCalls: 2 }),
  answered('503', { status: 503 }, { short: true }),
  answered('503 with an HTML page', { status: 503, body: '<html>busy</html>' }),
  answered('429', { status: 429 }),
  answered(
    '429, Retry-After in seconds',
    { status: 429, headers: { 'retry-after': '2' } },
    { askedForMs: 2000, short: true },
  ),
  {
    ...answered('429, Retry-After as a date', {}, { askedForMs: 3000 }),
    begin: (lab) => {
      lab.nlp.change({ ...healthy, status: 429, headers: { 'retry-after': inTwoSeconds() } })
    },
  },
  answered(
    'an HTML page with 200',
    { body: '<html>log in</html>', headers: { 'content-type': 'text/html' } },
    { short: true, repeatedCalls: 2 },
  ),
  answered('answers of the wrong shape', { body: '{"entities":"none"}' }, { repeatedCalls: 2 }),
  answered('answers that are not JSON', { body: 'entities: none' }, { repeatedCalls: 2 }),
  answered('401', { status: 401 }, { repeatedCalls: 2 }),
  answered('404', { status: 404 }, { repeatedCalls: 2 }),
  answered('slow', { latencyMs: 2000 }),
]

describe('an NLP service that fails', () => {
  const chosen = outages.filter(({ short }) => short)
  it(
    `for a while, in ${chosen.length} ways after one another, loses nothing, makes no dead letter, and is back at full speed within 2 s`,
    { skip: stack.skip || (longForm && 'in the long form each by itself') },
    async (t) => {
      const lab = await Lab.open(t, { servers: stack })
      await surviveOutages(lab, chosen, { forMs: outageMs(shortMs) })
    },
  )

  for (const outage of outages) {
    it(
      `${outage.name}: loses nothing, makes no dead letter, and is back at full speed within 2 s`,
      { skip: stack.skip || (!longForm && 'only in `npm run test:faults`') },
      async (t) => {
        const lab = await Lab.open(t, { servers: stack })
        await surviveOutages(lab, [outage], { forMs: outageMs(shortMs) })
      },
    )
  }

  it(
    '500 to one text in a hundred for ever: those become dead letters, the others flow at full speed',
    { skip: stack.skip },
    async (t) => {
      let failing = false
      const lab = await Lab.open(t, {
        servers: stack,
        load: { text: (n) => `disk ${n + 1000} is full` },
        nlp: { script: ([text]) => (failing && isBad(text) ? { status: 500 } : undefined) },
        settings: { 'nlp.retry.delayMs': 100 },
      })
      const meter = lab.meter(lab.start())
      lab.feed()
      await lab.checker.indexed(200)
      const fullRate = await meter.measure(3000)
      const asked = new Set(lab.nlp.answered)
      failing = true
      const rate = await meter.measure(longForm ? 30_000 : 5000)
      const report = await lab.drained()
      const bad = lab.checker.records.filter(({ text }) => isBad(text) && !asked.has(text)).length
      lab.keep({ ...summary(report), fullRate, rate })
      assert.ok(report.deadLettered > 10)
      assert.deepEqual(objections(report, { deadLettered: bad, repeatedCalls: 3 * bad }), [])
      assert.ok(rate > 0.9 * fullRate || fullRate < measurableRate, `${rate} of ${fullRate} records/s`)
    },
  )
})

const isBad = (text: string | undefined): boolean => text?.endsWith('00 is full') === true
