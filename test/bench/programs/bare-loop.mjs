import { Kafka, logLevel } from 'kafkajs'
import { Client, Pool } from 'undici'

/**
 * The bound of the CPU-bound regime: the same job with nothing around it. undici `dispatch`, NDJSON by string, kafkajs
 * `eachBatch`; no retries, no ledger, offsets committed whether or not anything was indexed. Not something to run.
 * Settings come from the environment; it ends when its standard input does.
 */
const { KAFKA, TOPIC, GROUP, NLP_URL, ES_URL, INDEX } = process.env
const concurrency = Number(process.env.C)
const bulkSize = Number(process.env.BULK_SIZE)
const bulksInFlight = 4

const nlp = new URL(NLP_URL)
const idle = Array.from({ length: concurrency }, () => new Client(nlp.origin, { pipelining: 1 }))
const elasticsearch = new Pool(ES_URL, { connections: bulksInFlight, pipelining: 1 })
const waiting = []
let documents = ''
let count = 0
let bulks = 0
/** Full bulks that wait for one of the connections. */
const full = []

/** undici takes what is thrown in a handler as the call's failure. */
function fail(error) {
  console.error(error)
  process.exit(1)
}

/** Calls back with the answer's body. */
function dispatch(client, request, done) {
  let first
  let rest = ''
  client.dispatch(request, {
    onRequestStart() {},
    onResponseStart(_controller, status) {
      if (status !== 200) fail(new Error(`${request.path} answered ${status}`))
    },
    onResponseData(_controller, chunk) {
      if (first === undefined) first = chunk.toString('utf8')
      else rest += chunk.toString('utf8')
    },
    onResponseEnd() {
      done(first + rest)
    },
    onResponseError(_controller, error) {
      fail(error)
    },
  })
}

const json = { 'content-type': 'application/json' }
const ndjson = { 'content-type': 'application/x-ndjson' }
const bulkPath = '/_bulk?filter_path=errors,items.*.status'

function enrich(client, id, text) {
  const record = JSON.parse(text)
  const body = JSON.stringify({ text: record.message })
  dispatch(client, { method: 'POST', path: nlp.pathname, headers: json, body }, (answer) => {
    const { entities, severity } = JSON.parse(answer)
    record.entities = entities
    record.severity = severity
    documents += `{"index":{"_index":"${INDEX}","_id":"${id}"}}\n${JSON.stringify(record)}\n`
    idle.push(client)
    if (++count === bulkSize) close()
    wake()
  })
}

function close() {
  full.push(documents)
  documents = ''
  count = 0
  if (bulks < bulksInFlight) bulk()
}

function bulk() {
  const body = full.shift()
  bulks++
  dispatch(elasticsearch, { method: 'POST', path: bulkPath, headers: ndjson, body }, (answer) => {
    if (JSON.parse(answer).errors) fail(new Error(answer.slice(0, 500)))
    bulks--
    if (full.length > 0) bulk()
    wake()
  })
}

const mayStart = () => idle.length > 0 && full.length < bulksInFlight
const wake = () => {
  if (waiting.length > 0 && mayStart()) waiting.shift()()
}

const consumer = new Kafka({ brokers: KAFKA.split(','), logLevel: logLevel.NOTHING }).consumer({
  groupId: GROUP,
})
await consumer.connect()
await consumer.subscribe({ topics: [TOPIC], fromBeginning: true })
await consumer.run({
  partitionsConsumedConcurrently: 4,
  eachBatch: async ({ batch, heartbeat }) => {
    let sinceHeartbeat = 0
    for (const { offset, value } of batch.messages) {
      while (!mayStart()) await new Promise((resolve) => waiting.push(resolve))
      enrich(idle.pop(), `${batch.topic}-${batch.partition}-${offset}`, value.toString('utf8'))
      if (++sinceHeartbeat % 2000 === 0) await heartbeat()
    }
  },
})
setInterval(() => {
  if (count > 0) close()
}, 200)
process.stdin.on('end', () => process.exit(0)).resume()
