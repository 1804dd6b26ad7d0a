import assert from 'node:assert/strict'
import { createServer, request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, afterEach, before, describe, it } from 'node:test'
import { startAnsweringProxy, type AnsweringProxy } from './answering-proxy.js'
import { FaultProxy } from './fault-proxy.js'
import { until } from './until.js'

const bigBody = 'x'.repeat(10_000)
const server = createServer((asked, response) => {
  asked.resume()
  response.writeHead(200, { 'content-length': bigBody.length, 'x-server': 'real' }).end(bigBody)
})

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // The runner ends the whole file's hooks only once nothing is left to wait for.
  server.unref()
})

const targetPort = () => (server.address() as AddressInfo).port

interface Got {
  readonly status: number
  readonly body: string
  readonly headers: IncomingMessage['headers']
}

function get(port: number, timeoutMs = 2000): Promise<Got> {
  return new Promise((resolve, reject) => {
    const asked = request({ port, host: '127.0.0.1', agent: false }, (answer) => {
      let body = ''
      answer.on('data', (chunk: Buffer) => (body += chunk.toString()))
      answer.on('error', reject)
      answer.on('end', () => {
        resolve({ status: answer.statusCode ?? 0, body, headers: answer.headers })
      })
    })
    asked.setTimeout(timeoutMs, () => asked.destroy(new Error('silence')))
    asked.on('error', reject)
    asked.end()
  })
}

describe('the fault proxy', () => {
  const proxies: FaultProxy[] = []
  async function start(): Promise<FaultProxy> {
    const proxy = await FaultProxy.start({ target: { port: targetPort() } })
    proxies.push(proxy)
    return proxy
  }
  afterEach(async () => {
    await Promise.all(proxies.splice(0).map((proxy) => proxy.close()))
  })

  it('passes everything on until it is told otherwise', async () => {
    const proxy = await start()
    assert.equal((await get(proxy.port)).body, bigBody)
    assert.equal(proxy.accepted, 1)
  })

  it('refuses connections, and takes them again on the same port', async () => {
    const proxy = await start()
    await proxy.set({ kind: 'refuse' })
    await assert.rejects(get(proxy.port), { code: 'ECONNREFUSED' })
    await proxy.set({ kind: 'pass' })
    assert.equal((await get(proxy.port)).body, bigBody)
  })

  it('resets in the middle of a body, after the bytes it was told', async () => {
    const proxy = await start()
    await proxy.set({ kind: 'reset', afterBytes: 5000 })
    await assert.rejects(get(proxy.port), { code: 'ECONNRESET' })
  })

  it('delays', async () => {
    const proxy = await start()
    await proxy.set({ kind: 'delay', ms: 100 })
    const begun = performance.now()
    assert.equal((await get(proxy.port)).body, bigBody)
    assert.ok(performance.now() - begun >= 195)
  })

  it('throttles', async () => {
    const proxy = await start()
    await proxy.set({ kind: 'throttle', bytesPerSecond: 20_000 })
    const begun = performance.now()
    assert.equal((await get(proxy.port)).body, bigBody)
    assert.ok(performance.now() - begun >= 400)
  })

  it('swallows data in a black hole, and connections that lost some stay silent afterwards', async () => {
    const proxy = await start()
    await proxy.set({ kind: 'black-hole' })
    const lost = assert.rejects(get(proxy.port, 300), /silence/)
    await until('the request is on its way', () => proxy.connections === 1)
    await new Promise((resolve) => setTimeout(resolve, 50))
    await proxy.set({ kind: 'pass' })
    await lost
    assert.equal((await get(proxy.port)).body, bigBody)
  })

  it('holds data while frozen and delivers it afterwards', async () => {
    const proxy = await start()
    await proxy.set({ kind: 'freeze' })
    const begun = performance.now()
    const got = get(proxy.port)
    await new Promise((resolve) => setTimeout(resolve, 150))
    await proxy.set({ kind: 'pass' })
    assert.equal((await got).body, bigBody)
    assert.ok(performance.now() - begun >= 145)
  })

  it('cuts the connections there are', async () => {
    const proxy = await start()
    await proxy.set({ kind: 'freeze' })
    const cut = assert.rejects(get(proxy.port), { code: 'ECONNRESET' })
    await until('it is connected', () => proxy.connections === 1)
    proxy.cut()
    await cut
  })
})

describe('the answering proxy', () => {
  let proxy: AnsweringProxy
  before(async () => {
    proxy = await startAnsweringProxy(`http://127.0.0.1:${targetPort()}`)
  })
  after(() => proxy.close())
  afterEach(() => {
    proxy.script(undefined)
  })

  it('passes on what no script answers', async () => {
    const got = await get(proxy.port)
    assert.equal(got.body, bigBody)
    assert.equal(got.headers['x-server'], 'real')
  })

  it('answers what it is told, request by request', async () => {
    proxy.script(({ index }) =>
      index === 0 ? { status: 503, headers: { 'retry-after': '2' }, body: 'busy' } : undefined,
    )
    const got = await get(proxy.port)
    assert.deepEqual([got.status, got.body, got.headers['retry-after']], [503, 'busy', '2'])
    assert.equal((await get(proxy.port)).status, 200)
  })

  it('can let the server do its work and then say nothing, or something else', async () => {
    proxy.script(async (_, forward) => {
      const real = await forward()
      return { ...real, status: 201, body: 'changed' }
    })
    const got = await get(proxy.port)
    assert.deepEqual([got.status, got.body, got.headers['x-server']], [201, 'changed', 'real'])
    proxy.script(async (_, forward) => {
      await forward()
      return 'hang' as const
    })
    await assert.rejects(get(proxy.port, 200), /silence/)
    proxy.script(() => 'reset')
    await assert.rejects(get(proxy.port), { code: 'ECONNRESET' })
  })
})
