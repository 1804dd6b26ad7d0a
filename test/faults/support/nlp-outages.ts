import type { FakeNlpSettings } from '../../support/fake-nlp.js'
import type { Fault } from '../../support/fault-proxy.js'
import { inFlight } from './lab.js'
import { outageMs, shortMs, type Outage } from './outages.js'

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
      lab.nlp.change({ ...lab.healthyNlp, ...settings })
    },
    end: (lab) => {
      lab.nlp.change(lab.healthyNlp)
    },
    ...more,
  }
}

/** Answers that the proxy swallowed are asked for again: at most those in flight, and what was asked about in doubt. */
const swallowed = inFlight + 2
/** One question a second while it lasts: what a frozen network holds is delivered, and paid for, once it is over. */
const questionsWhile = Math.ceil(outageMs(shortMs) / 1000)
const inTwoSeconds = () => new Date(Date.now() + 2000).toUTCString()

/** Each of the ways in which the NLP service fails for a while. */
export const nlpOutages: readonly Outage[] = [
  proxied('refused', { kind: 'refuse' }, { repeatedCalls: swallowed, short: true }),
  proxied('reset half-way through the answer', { kind: 'reset', afterBytes: 100 }, { repeatedCalls: 1000 }),
  proxied('black-holed', { kind: 'black-hole' }, { repeatedCalls: swallowed, short: true }),
  proxied('frozen', { kind: 'freeze' }, { repeatedCalls: swallowed + questionsWhile }),
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
      lab.nlp.change({ ...lab.healthyNlp, status: 429, headers: { 'retry-after': inTwoSeconds() } })
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
