import assert from 'node:assert/strict'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { createHash } from 'node:crypto'
import { after, afterEach, describe, it } from 'node:test'
import { Script } from 'node:vm'
import { startAdminServer, type AdminServer, type AdminServerOptions } from '../../src/admin/admin-server.js'
import { EnrichdError } from '../../src/errors.js'
import { testTelemetry } from '../telemetry/support/test-telemetry.js'

let server: AdminServer
const sockets: Socket[] = []

async function start(options: Partial<AdminServerOptions> = {}) {
  const handle = testTelemetry()
  server = await startAdminServer({
    port: 0,
    consumerAlive: () => true,
    ready: () => true,
    status: handle.status,
    metrics: handle.metrics,
    metricsContentType: handle.metricsContentType,
    ...options,
  })
  return { handle, at: (path: string) => new URL(path, server.url) }
}

/** Sends bytes as they are and returns all that comes back until the other side closes, or `until` was seen. */
function raw(text: string, until?: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: server.port })
    sockets.push(socket)
    let answer = ''
    const deadline = setTimeout(() => {
      reject(new Error(`no end of the answer: ${answer}`))
    }, 5000)
    const end = () => {
      clearTimeout(deadline)
      resolve(answer)
    }
    socket.on('data', (bytes) => {
      answer += String(bytes)
      if (until?.test(answer)) end()
    })
    socket.on('close', end)
    socket.on('error', reject)
    socket.write(text)
  })
}

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await server.close()
})

const openSockets = () => process.getActiveResourcesInfo().filter((name) => /^TCP/.test(name))

describe('the admin port', () => {
  const openBefore = openSockets().length

  after(async () => {
    const deadline = performance.now() + 5000
    while (openSockets().length > openBefore && performance.now() < deadline) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.equal(openSockets().length, openBefore, 'no socket is left open')
  })

  it('is bound to loopback, takes a free port for 0, and says which', async () => {
    const { at } = await start()
    assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+\/$/)
    assert.notEqual(server.port, 0)
    assert.equal((await fetch(at('/livez'))).status, 200)
  })

  it('is live while the consumer’s loop is, and says so when it is not', async () => {
    let alive = true
    const { at } = await start({ consumerAlive: () => alive })
    assert.deepEqual(await (await fetch(at('/livez'))).json(), { live: true })
    alive = false
    const answer = await fetch(at('/livez'))
    assert.equal(answer.status, 503)
    assert.equal(((await answer.json()) as { live: boolean }).live, false)
  })

  it('is ready with a dependency missing, names it, and is not ready in a drain', async () => {
    let ready = true
    const { at, handle } = await start({ ready: () => ready })
    handle.telemetry.lifecycle('running')
    handle.telemetry.dependencyDown(
      'nlp',
      new EnrichdError('NLP_UNREACHABLE', 'connect ECONNREFUSED', { kind: 'outage' }),
    )
    const answer = await fetch(at('/readyz'))
    assert.equal(answer.status, 200)
    const missing = [{ name: 'nlp', forMs: 0, why: 'connect ECONNREFUSED' }]
    assert.deepEqual(await answer.json(), { ready: true, state: 'running', missing })
    ready = false
    assert.equal((await fetch(at('/readyz'))).status, 503)
  })

  it('serves metrics as Prometheus reads them', async () => {
    const { at } = await start()
    const answer = await fetch(at('/metrics'))
    assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
    const text = await answer.text()
    assert.match(text, /^enrichd_info\{version="1\.2\.3"\} 1$/m)
    for (const line of text.split('\n')) assert.match(line, /^(#.*|[a-z_]+(\{.*\})? [-+\d.eInfNa]+|)$/)
  })

  it('serves the status as one object, and a page that shows it', async () => {
    const { at } = await start()
    const status = (await (await fetch(at('/status?pretty'))).json()) as { state: string; version: string }
    assert.equal(status.state, 'starting')
    assert.equal(status.version, '1.2.3')
    const page = await fetch(at('/'))
    assert.match(page.headers.get('content-type') ?? '', /^text\/html/)
    const html = await page.text()
    assert.doesNotMatch(html, /(?:src|href)="(?:https?:)?\/\//, 'nothing comes from elsewhere')
  })

  it('allows the page its own script and style by their hash, and nothing else', async () => {
    const { at } = await start()
    const page = await fetch(at('/'))
    const policy = page.headers.get('content-security-policy') ?? ''
    const html = await page.text()
    for (const [, tag, text = ''] of html.matchAll(/<(script|style)>([^]*?)<\/\1>/g)) {
      const hash = createHash('sha256').update(text).digest('base64')
      assert.ok(policy.includes(`${tag}-src 'sha256-${hash}'`), `${tag} is allowed`)
      if (tag === 'script') assert.doesNotThrow(() => new Script(text), 'the script parses')
    }
    assert.match(policy, /default-src 'none'/)
    assert.doesNotMatch(policy, /unsafe/)
    assert.doesNotMatch(html, / on\w+="| style="|innerHTML/)
  })

  it('sends answers that nobody keeps or guesses about', async () => {
    const { at } = await start()
    for (const path of ['/', '/status', '/metrics', '/livez', '/nowhere']) {
      const { headers } = await fetch(at(path))
      assert.equal(headers.get('cache-control'), 'no-store')
      assert.equal(headers.get('x-content-type-options'), 'nosniff')
      assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/)
    }
  })

  it('answers HEAD like GET, without the body', async () => {
    const { at } = await start()
    const answer = await fetch(at('/status'), { method: 'HEAD' })
    assert.equal(answer.status, 200)
    assert.ok(Number(answer.headers.get('content-length')) > 100)
    assert.equal(await answer.text(), '')
  })

  it('says 404 for any other path, however it is spelt', async () => {
    await start()
    const paths = [
      '/nope',
      '/livez/',
      '//livez',
      '/../etc/passwd',
      '/%2e%2e/',
      '/__proto__',
      '/constructor',
      '*',
      'http://x/livez',
    ]
    for (const path of paths) {
      const answer = await raw(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`)
      assert.match(answer, /^HTTP\/1\.1 404 /, path)
    }
  })

  it('says 405 for any method that could change something', async () => {
    const { at } = await start()
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      const answer = await fetch(at('/status'), { method })
      assert.equal(answer.status, 405, method)
      assert.equal(answer.headers.get('allow'), 'GET, HEAD')
    }
  })

  it('says 413 to 10 MB, sent in one go', async () => {
    const { at } = await start()
    const answer = await fetch(at('/status'), { method: 'POST', body: Buffer.alloc(10_485_760) })
    assert.equal(answer.status, 413)
    assert.equal((await fetch(at('/livez'))).status, 200)
  })

  it('says 413 at once to who asks before sending 10 MB', async () => {
    await start()
    const answer = await raw(
      'POST /status HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 10485760\r\n\r\n',
    )
    assert.match(answer, /^HTTP\/1\.1 413 /)
    assert.match(answer, /connection: close/i)
  })

  it('takes a chunked body of 10 MB without keeping it', async () => {
    const { at } = await start()
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const asked = request(at('/status'), { method: 'POST' }, (answer) => {
        answer.resume()
        answer.on('end', () => {
          resolve(answer.statusCode)
        })
      })
      asked.on('error', reject)
      for (let at = 0; at < 160; at++) asked.write(Buffer.alloc(65_536))
      asked.end()
    })
    assert.equal(status, 405)
  })

  it('says 431 to headers that are too large, and 400 to what is not HTTP', async () => {
    await start()
    assert.match(
      await raw(`GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`),
      /^HTTP\/1\.1 431 /,
    )
    assert.match(await raw('\x16\x03\x01 this is no HTTP\r\n\r\n'), /^HTTP\/1\.1 400 /)
  })

  it('says 408 to a request that does not come to its end', async () => {
    await start({ requestTimeoutMs: 200 })
    assert.match(await raw('GET /status HTTP/1.1\r\nhost:'), /^HTTP\/1\.1 408 /)
  })

  it('says 500 when an answer cannot be made, tells whoever started it, and goes on', async () => {
    const errors: [string, unknown][] = []
    const { at } = await start({
      metrics: () => Promise.reject(new Error('the secret reason')),
      onError: (path, error) => errors.push([path, error]),
    })
    const answer = await fetch(at('/metrics'))
    assert.equal(answer.status, 500)
    assert.doesNotMatch(await answer.text(), /secret reason/)
    assert.equal(errors[0]?.[0], '/metrics')
    assert.equal((await fetch(at('/livez'))).status, 200)
  })

  it('closes at once, also with connections open, as often as it is asked', async () => {
    const { at } = await start()
    await fetch(at('/livez'))
    const hanging = raw('GET /status HTTP/1.1\r\nhost:')
    await new Promise((resolve) => setImmediate(resolve))
    const began = performance.now()
    await server.close()
    await server.close()
    await hanging.catch(() => undefined)
    assert.ok(performance.now() - began < 500)
  })

  it('says why it cannot listen', async () => {
    await start()
    const { port } = server
    const first = server
    await assert.rejects(start({ port }), /EADDRINUSE.*admin\.port/)
    server = first
  })
})
