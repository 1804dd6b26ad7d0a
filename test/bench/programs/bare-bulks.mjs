import { Pool } from 'undici'

/**
 * What Elasticsearch alone takes: ready-made bulks of 500 documents like those of the daemon, four in flight.
 * Settings come from the environment; it ends when its standard input does.
 */
const { ES_URL, INDEX, RECORDS } = process.env
const bulkSize = 500
const inFlight = 4
const pool = new Pool(ES_URL, { connections: inFlight, pipelining: 1 })
const document = {
  '@timestamp': '2025-06-01T12:00:00.000Z',
  message: 'slow query on replica 10.4.2.7 took 1200ms, plan cache miss for orders_by_customer',
  severity: 'high',
  entities: [
    { text: 'timeout', type: 'EVENT' },
    { text: 'ERROR', type: 'LEVEL' },
  ],
  kafka: { topic: 'topic-0', partition: 0, offset: 0, key: null },
  enrichment: { status: 'ok', service: 'http://127.0.0.1:8090', attempts: 1, durationMs: 0 },
  original: { trace: '9e3779b97f4a7c15' },
  id: 1,
  ts: '2025-06-01T12:00:00.000Z',
  service: 'payments',
  level: 'ERROR',
  host: 'node-01.eu-west-1.internal',
}
const text = JSON.stringify(document)
let sent = 0

async function loop() {
  while (sent < Number(RECORDS)) {
    let body = ''
    for (let each = 0; each < bulkSize; each++)
      body += `{"index":{"_index":"${INDEX}","_id":"topic-0-0-${sent++}-1748779200000"}}\n${text}\n`
    const answer = await pool.request({
      method: 'POST',
      path: '/_bulk?filter_path=errors,items.*.status',
      headers: { 'content-type': 'application/x-ndjson' },
      body,
    })
    const { errors } = await answer.body.json()
    if (errors) throw new Error('a bulk had errors')
  }
}

for (let each = 0; each < inFlight; each++) loop()
process.stdin.on('end', () => process.exit(0)).resume()
