const minuteMs = 60_000
const topEntities = 10
const severe = ['high', 'critical']

/**
 * What the demo shows of the documents, wherever they are.
 *
 * @typedef {{ name: string, count: number, note?: string }} Row
 * @typedef {{ total: number, severities: Row[], entities: Row[], errors: Record<string, number[]>,
 *   documents: object[] }} View `errors`: severe documents by service and minute
 * @typedef {{ fromMs: number, toMs: number }} Span
 */

/**
 * Asks Elasticsearch: counts and charts are its aggregations.
 *
 * @param {{ url: string, index: string, signal: AbortSignal }} where `index` may be a pattern
 * @param {Span} span
 * @returns {Promise<View>}
 */
export async function indexView({ url, index, signal }, span) {
  const ask = (path, body) => askElasticsearch(`${url}/${encodeURIComponent(index)}/${path}`, body, signal)
  await ask('_refresh')
  const fields = await aggregatableFields(ask)
  const answer = await ask('_search', {
    size: 0,
    track_total_hits: true,
    aggs: {
      severities: { terms: { field: fields.severity } },
      entities: entityAggregation(fields),
      errors: {
        filter: { terms: { [fields.severity]: severe } },
        aggs: { services: { terms: { field: fields.service }, aggs: { minutes: perMinute(span) } } },
      },
    },
  })
  const { severities, entities, errors } = answer.aggregations
  return {
    total: answer.hits.total.value,
    severities: severities.buckets.map(({ key, doc_count: count }) => ({ name: key, count })),
    entities: (entities.texts ?? entities).buckets.map(entityRow),
    errors: Object.fromEntries(
      errors.services.buckets.map(({ key, minutes }) => [
        key,
        minutes.buckets.map((bucket) => bucket.doc_count),
      ]),
    ),
    documents: await exampleDocuments(ask, fields),
  }
}

/** @param {{ url: string, index: string, signal: AbortSignal }} where @returns {Promise<number>} */
export async function countDocuments({ url, index, signal }) {
  await askElasticsearch(`${url}/${index}/_refresh`, undefined, signal)
  const { count } = await askElasticsearch(`${url}/${index}/_count`, { query: { match_all: {} } }, signal)
  return count
}

async function askElasticsearch(url, body, signal) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(15_000)]),
  })
  const answer = await response.json()
  if (!response.ok)
    throw new Error(`Elasticsearch answered ${response.status}: ${JSON.stringify(answer.error)}`)
  return answer
}

/** With our index template the fields are keywords; with Elasticsearch's own guesses they are texts with a keyword below. */
async function aggregatableFields(ask) {
  const wanted = ['severity', 'service', 'entities.text', 'entities.type']
  const all = wanted.flatMap((name) => [name, `${name}.keyword`])
  const { fields } = await ask(`_field_caps?fields=${['entities', ...all].join(',')}`)
  const usable = (name) => Object.values(fields[name] ?? {}).some(({ aggregatable }) => aggregatable)
  const field = (name) => (usable(name) ? name : `${name}.keyword`)
  return {
    severity: field('severity'),
    service: field('service'),
    entityText: field('entities.text'),
    entityType: field('entities.type'),
    nested: fields.entities?.nested !== undefined,
  }
}

function entityAggregation({ entityText, entityType, nested }) {
  const terms = { field: entityText, size: topEntities }
  if (!nested) return { terms, aggs: { example: { top_hits: { size: 1, _source: ['entities'] } } } }
  const types = { terms: { field: entityType, size: 1 } }
  return { nested: { path: 'entities' }, aggs: { texts: { terms, aggs: { types } } } }
}

function entityRow({ key, doc_count: count, types, example }) {
  const inExample = example?.hits.hits[0]?._source.entities.find(({ text }) => text === key)
  return { name: key, count, note: types?.buckets[0]?.key ?? inExample?.type ?? '' }
}

function perMinute({ fromMs, toMs }) {
  return {
    date_histogram: {
      field: '@timestamp',
      fixed_interval: '1m',
      min_doc_count: 0,
      extended_bounds: { min: fromMs, max: toMs - 1 },
    },
  }
}

/** One with a stack trace and one of another service. */
async function exampleDocuments(ask, { severity, service }) {
  const one = async (filter) => {
    const { hits } = await ask('_search', {
      size: 1,
      query: { bool: { filter } },
      sort: [{ '@timestamp': 'desc' }],
    })
    return hits.hits.map((hit) => hit._source)
  }
  const found = await Promise.all(
    ['gateway', 'payments'].map((name) =>
      one([{ term: { [service]: name } }, { terms: { [severity]: severe } }]),
    ),
  )
  return found.flat()
}

/**
 * The same of documents that are here, as a file has them.
 *
 * @param {object[]} documents @param {Span} span @returns {View}
 */
export function documentsView(documents, { fromMs, toMs }) {
  const severities = new Map()
  const entities = new Map()
  const errors = {}
  const minutes = Math.ceil((toMs - fromMs) / minuteMs)
  for (const document of documents) {
    add(severities, document.severity)
    const texts = new Map(document.entities.map(({ text, type }) => [text, type]))
    for (const [text, type] of texts) add(entities, text, type)
    const minute = Math.floor((Date.parse(document['@timestamp']) - fromMs) / minuteMs)
    if (!severe.includes(document.severity) || !document.service) continue
    errors[document.service] ??= Array(minutes).fill(0)
    if (minute >= 0 && minute < minutes) errors[document.service][minute]++
  }
  const example = (name) =>
    documents.findLast(({ service, severity }) => service === name && severe.includes(severity))
  return {
    total: documents.length,
    severities: largest(severities),
    entities: largest(entities).slice(0, topEntities),
    errors,
    documents: [example('gateway'), example('payments')].filter(Boolean),
  }
}

function add(rows, name, note = '') {
  const row = rows.get(name) ?? { name, count: 0, note }
  row.count++
  rows.set(name, row)
}

function largest(rows) {
  return [...rows.values()].sort((a, b) => b.count - a.count)
}
