import { createServer } from 'node:net'

/**
 * A stand-in for the NLP service that costs little: HTTP/1.1 with keep-alive by hand on a socket, one fixed answer.
 * Prints its port. `GET /stats` tells what it has seen, `PUT /behaviour` takes a part of {@link behaviour} as JSON,
 * `PUT /reset` sets the counters to zero. It ends when its standard input does.
 */
const behaviour = {
  /** From the request's end to the answer; spread evenly over ± `jitterShare` of it. */
  latencyMs: 0,
  jitterShare: 0,
  /** This share of the calls takes `slowTimes` as long. */
  slowShare: 0,
  slowTimes: 50,
  /** Calls served at once; those beyond are answered with `rejectStatus` at once. 0: no bound. */
  capacity: 0,
  rejectStatus: 429,
}
const stats = { answered: 0, texts: 0, rejected: 0, inFlight: 0, maxInFlight: 0, lastMs: 0 }
/** In-flight calls × ms since the reset: what the slots were used for. */
let busyMs = 0
let busyUntilMs = performance.now()
/** How long calls took here, in whole ms; the last one holds all above. */
let tookMs = new Uint32Array(120_001)

const analysis =
  '{"entities":[{"text":"timeout","type":"EVENT"},{"text":"ERROR","type":"LEVEL"}],"severity":"high"}'
const answered = response('200 OK', analysis)
const rejected = response('429 Too Many Requests', '{"error":"overloaded"}')
const unavailable = response('503 Service Unavailable', '{"error":"overloaded"}')
const headEnd = Buffer.from('\r\n\r\n')

function response(status, body) {
  const head = `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}`
  return Buffer.from(`${head}\r\n\r\n${body}`)
}

function serve(socket) {
  socket.setNoDelay(true)
  let pending = null
  socket.on('data', (chunk) => {
    pending = pending ? Buffer.concat([pending, chunk]) : chunk
    for (;;) {
      const at = pending.indexOf(headEnd)
      if (at < 0) return
      const head = pending.latin1Slice(0, at)
      const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0)
      const end = at + 4 + length
      if (pending.length < end) return
      const body = pending.subarray(at + 4, end)
      pending = pending.length === end ? null : pending.subarray(end)
      if (head.startsWith('POST')) analyse(socket, body)
      else socket.write(response('200 OK', JSON.stringify(steer(head, body))))
      if (pending === null) return
    }
  })
  socket.on('error', () => undefined)
}

function analyse(socket, body) {
  if (behaviour.capacity > 0 && stats.inFlight >= behaviour.capacity) {
    stats.rejected++
    socket.write(behaviour.rejectStatus === 503 ? unavailable : rejected)
    return
  }
  const startMs = performance.now()
  countBusy(startMs)
  stats.inFlight++
  if (stats.inFlight > stats.maxInFlight) stats.maxInFlight = stats.inFlight
  const latencyMs = drawLatencyMs()
  if (latencyMs === 0) answer(socket, body, startMs)
  else setTimeout(answer, latencyMs, socket, body, startMs)
}

function countBusy(nowMs) {
  busyMs += stats.inFlight * (nowMs - busyUntilMs)
  busyUntilMs = nowMs
}

function drawLatencyMs() {
  const { latencyMs, jitterShare, slowShare, slowTimes } = behaviour
  if (slowShare > 0 && Math.random() < slowShare) return latencyMs * slowTimes
  return jitterShare === 0 ? latencyMs : latencyMs * (1 + jitterShare * (2 * Math.random() - 1))
}

function answer(socket, body, startMs) {
  const nowMs = performance.now()
  countBusy(nowMs)
  stats.inFlight--
  stats.answered++
  stats.lastMs = nowMs
  tookMs[Math.min(tookMs.length - 1, Math.round(nowMs - startMs))]++
  // `{"texts"` and `{"text":` differ in the seventh byte.
  if (body[6] !== 0x73) {
    stats.texts++
    socket.write(answered)
    return
  }
  const { length } = JSON.parse(body.toString()).texts
  stats.texts += length
  socket.write(response('200 OK', `{"results":[${Array(length).fill(analysis).join(',')}]}`))
}

function steer(head, body) {
  const nowMs = performance.now()
  countBusy(nowMs)
  if (head.startsWith('PUT /behaviour')) Object.assign(behaviour, JSON.parse(body.toString()))
  if (head.startsWith('PUT /reset')) {
    Object.assign(stats, {
      answered: 0,
      texts: 0,
      rejected: 0,
      maxInFlight: stats.inFlight,
      firstMs: 0,
      lastMs: 0,
    })
    tookMs = new Uint32Array(tookMs.length)
  }
  return { ...stats, nowMs, busyMs, p50Ms: quantile(0.5), p99Ms: quantile(0.99) }
}

function quantile(share) {
  let left = stats.answered * share
  const found = tookMs.findIndex((count) => (left -= count) <= 0)
  return Math.max(0, found)
}

const server = createServer(serve)
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
process.stdin.on('end', () => process.exit(0)).resume()
