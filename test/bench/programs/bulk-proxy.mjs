import { createServer, request } from 'node:http'

/**
 * Stands before Elasticsearch and notes, for each bulk that it has answered, when, how long it took, how many documents it held and
 * how old each was, by the Kafka timestamp at the end of its id. Argument: the URL. Prints its port.
 * `GET /bench/bulks` tells and forgets what was noted. It ends when its standard input does.
 */
const target = new URL(process.argv[2])
let bulks = []

const server = createServer((incoming, outgoing) => {
  if (incoming.url === '/bench/bulks') {
    outgoing.end(JSON.stringify(bulks))
    bulks = []
    return
  }
  const startMs = performance.now()
  const isBulk = incoming.url.startsWith('/_bulk')
  const chunks = []
  const { method, url: path, headers } = incoming
  const forward = request({ host: target.hostname, port: target.port, method, path, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode, answer.headers)
    answer.pipe(outgoing)
    answer.on('end', () => {
      if (isBulk) note(Buffer.concat(chunks).toString(), performance.now() - startMs)
    })
  })
  forward.on('error', () => outgoing.destroy())
  if (isBulk) incoming.on('data', (chunk) => chunks.push(chunk))
  incoming.pipe(forward)
})

function note(body, tookMs) {
  const nowMs = Date.now()
  const agesMs = [...body.matchAll(/"_id":"[^"]*-(\d+)"\}\}$/gm)].map(
    ([, timestampMs]) => nowMs - Number(timestampMs),
  )
  bulks.push({ atMs: nowMs, tookMs, agesMs })
}

server.listen(0, '127.0.0.1', () => console.log(server.address().port))
process.stdin.on('end', () => process.exit(0)).resume()
