import type { AnswerScript, HttpAnswer } from '../../support/answering-proxy.js'
import type { Fault } from '../../support/fault-proxy.js'
import type { Outage } from './outages.js'

function proxied(name: string, fault: Fault, more: Partial<Outage> = {}): Outage {
  return {
    name,
    begin: (lab) => lab.esProxy.set(fault),
    end: (lab) => lab.esProxy.set({ kind: 'pass' }),
    ...more,
  }
}

function scripted(name: string, script: AnswerScript, more: Partial<Outage> = {}): Outage {
  return {
    name,
    begin: (lab) => {
      lab.esAnswers.script(script)
    },
    end: (lab) => {
      lab.esAnswers.script(undefined)
    },
    ...more,
  }
}

/** Every bulk is answered so; everything else passes. */
function bulkAnswered(name: string, answer: HttpAnswer, more: Partial<Outage> = {}): Outage {
  return scripted(name, ({ path }) => (path.startsWith('/_bulk') ? answer : undefined), more)
}

function failure(status: number, type: string, reason: string): HttpAnswer {
  const body = JSON.stringify({ error: { type, reason, root_cause: [{ type, reason }] }, status })
  return { status, headers, body }
}

const headers = { 'content-type': 'application/json', 'x-elastic-product': 'Elasticsearch' }

interface Item {
  readonly action: string
  readonly source: string
}

/** Some items of each bulk are refused, in place, inside a 200; only the others reach the server. */
function refusingItems(refuses: (at: number) => boolean, error: object, status: number): AnswerScript {
  return async ({ path, body }, forward) => {
    if (!path.startsWith('/_bulk')) return undefined
    const items = itemsOf(body.toString())
    const taken = items.filter((_, at) => !refuses(at))
    const text = taken.map(({ action, source }) => `${action}\n${source}\n`).join('')
    const answer = taken.length > 0 ? await forward(text) : { status: 200, headers, body: '{"items":[]}' }
    const real = (JSON.parse(String(answer.body)) as { items: object[] }).items
    const all = items.map((_, at) =>
      refuses(at) ? { index: { _index: 'x', _id: 'x', status, error } } : real.shift(),
    )
    return { status: 200, headers, body: JSON.stringify({ took: 1, errors: true, items: all }) }
  }
}

function itemsOf(body: string): Item[] {
  const lines = body.split('\n')
  return Array.from({ length: Math.floor(lines.length / 2) }, (_, at) => ({
    action: lines[2 * at] ?? '',
    source: lines[2 * at + 1] ?? '',
  }))
}

const rejectedExecution = { type: 'es_rejected_execution_exception', reason: 'rejected execution of primary' }
const shardLimit = {
  type: 'validation_exception',
  reason:
    'Validation Failed: 1: this action would add [2] shards, but this cluster currently has [1000]/[1000] maximum normal shards open;',
}
const floodStage = {
  type: 'cluster_block_exception',
  reason: 'index [logs] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark];',
}

/** Each of the ways in which Elasticsearch fails for a while. */
export const elasticsearchOutages: readonly Outage[] = [
  proxied('refused', { kind: 'refuse' }, { short: true }),
  proxied('black-holed', { kind: 'black-hole' }),
  proxied('frozen', { kind: 'freeze' }),
  proxied('reset half-way through the answer', { kind: 'reset', afterBytes: 300 }, { short: true }),
  bulkAnswered('429 for a whole bulk', failure(429, 'es_rejected_execution_exception', 'busy'), {
    short: true,
  }),
  scripted(
    '429 for every second item',
    refusingItems((at) => at % 2 === 0, rejectedExecution, 429),
    { short: true },
  ),
  scripted(
    '429 for every item',
    refusingItems(() => true, rejectedExecution, 429),
  ),
  bulkAnswered('503', failure(503, 'unavailable_shards_exception', 'primary shard is not active'), {
    short: true,
  }),
  bulkAnswered('502 from a proxy, in HTML', { status: 502, body: '<html>bad gateway</html>' }),
  scripted('silence after the bulk was applied', async ({ method }, forward) => {
    if (method === 'HEAD') return undefined
    await forward()
    return 'hang'
  }),
  scripted(
    'a reset after the bulk was applied',
    async ({ path }, forward) => {
      if (!path.startsWith('/_bulk')) return undefined
      await forward()
      return 'reset'
    },
    { short: true },
  ),
  scripted(
    'flood stage for every item',
    refusingItems(() => true, floodStage, 429),
    { short: true },
  ),
  scripted(
    'flood stage as 403',
    refusingItems(() => true, floodStage, 403),
  ),
  scripted(
    'the shard limit',
    refusingItems(() => true, shardLimit, 400),
    { short: true },
  ),
  bulkAnswered('credentials revoked: 401', failure(401, 'security_exception', 'unable to authenticate'), {
    short: true,
  }),
  bulkAnswered('credentials revoked: 403', failure(403, 'security_exception', 'action is unauthorized')),
]
