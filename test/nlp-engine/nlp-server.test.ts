import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { analyseText } from '../../src/nlp-engine/analyse-text.js'
import { createEmbeddedEngine, type EmbeddedEngineOptions } from '../../src/nlp-engine/embedded-engine.js'
import { NlpServer, type NlpServerOptions } from '../../src/nlp-engine/nlp-server.js'
import { slowText } from './support/slow-text.js'

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: { [key: string]: unknown; error?: { code: string; message: string; index?: number } }
}
interface Request {
  readonly method?: string
  readonly path?: string
  readonly headers?: Record<string, string>
  readonly body?: string | Buffer
}

const agent = new Agent({ keepAlive: true })

async function ask(
  address: string,
  { method = 'POST', path = '/', headers, body = '' }: Request,
): Promise<Answer> {
  const request = httpRequest(`${address}${path}`, {
    method,
    agent,
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers },
  })
  request.end(body)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString()
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: (text === '' ? {} : JSON.parse(text)) as Answer['body'],
  }
}
const json = (value: unknown): Request => ({ body: JSON.stringify(value) })

async function serve(
  engine: EmbeddedEngineOptions = {},
  options: Omit<NlpServerOptions, 'engine'> = {},
): Promise<{ server: NlpServer; address: string }> {
  const server = new NlpServer({
    engine: createEmbeddedEngine({ workers: 1, ...engine }),
    port: 0,
    ...options,
  })
  return { server, address: await server.start() }
}

describe('the NLP server', () => {
  let server: NlpServer
  let address: string
  before(async () => {
    ;({ server, address } = await serve({ timeLimitMs: 300 }, { maxTextBytes: 7_000_000, maxTexts: 100 }))
  })
  after(() => server.stop())

  const text = 'ERROR connect ECONNREFUSED 10.0.0.1:9200 after 3 s'

  it('answers {"text"} with entities and a severity, at / and at /analyze', async () => {
    for (const path of ['/', '/analyze', '/analyze?x=1']) {
      const { status, body, headers } = await ask(address, { ...json({ text }), path })
      assert.equal(status, 200)
      assert.deepEqual(body, analyseText(text))
      assert.equal(headers['content-type'], 'application/json; charset=utf-8')
    }
  })

  it('answers {"texts"} with results in their order', async () => {
    const texts = [text, '', 'no entities', 'from 10.0.0.2']
    const { body } = await ask(address, json({ texts }))
    assert.deepEqual(body, { results: texts.map((it) => analyseText(it)) })
    assert.deepEqual((await ask(address, json({ texts: [] }))).body, { results: [] })
  })

  const refused: readonly (readonly [string, Request, number, string])[] = [
    ['no JSON', { body: '{"text":' }, 400, 'bad-json'],
    ['bytes that are not UTF-8', { body: Buffer.from([0x7b, 0xff, 0x7d]) }, 400, 'bad-json'],
    ['no body', {}, 400, 'bad-json'],
    ['a text that is none', json({ text: 5 }), 400, 'bad-request'],
    ['texts that are none', json({ texts: ['a', null] }), 400, 'bad-request'],
    ['both forms at once', json({ text: 'a', texts: [] }), 400, 'bad-request'],
    ['neither form', json({}), 400, 'bad-request'],
    ['null', json(null), 400, 'bad-request'],
    [
      'another type',
      { ...json({ text }), headers: { 'content-type': 'text/plain' } },
      415,
      'unsupported-media-type',
    ],
    [
      'another charset',
      { ...json({ text }), headers: { 'content-type': 'application/json; charset=latin1' } },
      415,
      'unsupported-media-type',
    ],
    [
      'a compressed body',
      { ...json({ text }), headers: { 'content-encoding': 'gzip' } },
      415,
      'unsupported-encoding',
    ],
    ['a text that is too large', json({ text: 'é'.repeat(3_500_001) }), 413, 'text-too-large'],
    ['too many texts', json({ texts: Array.from({ length: 101 }, () => '') }), 413, 'too-many-texts'],
    ['another path', { ...json({ text }), path: '/nlp' }, 404, 'not-found'],
    ['GET', { method: 'GET' }, 405, 'method-not-allowed'],
    ['DELETE on the health', { method: 'DELETE', path: '/healthz' }, 405, 'method-not-allowed'],
  ]
  for (const [what, request, status, code] of refused) {
    it(`refuses ${what} with ${status}`, async () => {
      const answer = await ask(address, request)
      assert.equal(answer.status, status)
      assert.equal(answer.body.error?.code, code)
      assert.ok(answer.body.error.message.length > 10)
      if (status === 405) assert.ok(answer.headers.allow !== undefined)
    })
  }

  it('refuses a body that is too large with 413, said or not, and reads on for nobody', async () => {
    const { server: small, address: there } = await serve({}, { maxTextBytes: 100, maxBodyBytes: 1000 })
    try {
      const body = JSON.stringify({ text: 'x'.repeat(200_000) })
      const said = await ask(there, { body })
      assert.deepEqual([said.status, said.body.error?.code], [413, 'body-too-large'])
      const unsaid = httpRequest(there, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
      })
      unsaid.on('error', () => undefined)
      unsaid.end(body)
      const [response] = (await once(unsaid, 'response')) as [IncomingMessage]
      assert.equal(response.statusCode, 413)
      assert.equal(response.headers.connection, 'close')
      response.resume()
    } finally {
      await small.stop()
    }
  })

  it('answers a text that takes too long with 422 and its place, while others are answered', async () => {
    const slow = ask(address, json({ texts: ['fine', slowText] }))
    const others = await Promise.all(Array.from({ length: 20 }, () => ask(address, json({ text }))))
    assert.deepEqual(new Set(others.map(({ status }) => status)), new Set([200]))
    const { status, body } = await slow
    assert.deepEqual([status, body.error?.code, body.error?.index], [422, 'text-too-slow', 1])
  })

  it('answers 429 with Retry-After when more texts would wait than may', async () => {
    const { server: busy, address: there } = await serve({ maxQueuedTexts: 5 })
    try {
      const texts = Array.from({ length: 5 }, () => slowText.slice(0, 60_000))
      const answers = await Promise.all(Array.from({ length: 12 }, () => ask(there, json({ texts }))))
      const statuses = answers.map(({ status }) => status)
      assert.ok(statuses.includes(200) && statuses.includes(429), statuses.join())
      assert.equal(answers.find(({ status }) => status === 429)?.headers['retry-after'], '1')
      assert.equal((await ask(there, json({ text }))).status, 200)
    } finally {
      await busy.stop()
    }
  })

  it('says how it is', async () => {
    for (const path of ['/healthz', '/livez', '/readyz']) {
      const { status, body } = await ask(address, { method: 'GET', path })
      assert.deepEqual([status, body['status'], body['workers']], [200, 'ok', 1])
    }
    assert.equal((await ask(address, { method: 'HEAD', path: '/healthz' })).status, 200)
  })

  it('outlives clients that hang up and connections that say nothing', async () => {
    const silent = connect(Number(new URL(address).port), '127.0.0.1')
    silent.on('error', () => undefined)
    await once(silent, 'connect')
    silent.write(
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{"te',
    )
    silent.destroy()
    assert.equal((await ask(address, json({ text }))).status, 200)
  })

  it('answers what it was asked when it stops, then takes nothing more', async () => {
    const { server: stopping, address: there } = await serve()
    const asked = Array.from({ length: 5 }, () => ask(there, json({ text: slowText.slice(0, 60_000) })))
    await ask(there, { method: 'GET', path: '/readyz' })
    const stopped = stopping.stop()
    assert.equal(stopping.stop(), stopped)
    const answers = await Promise.all(asked)
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
    assert.equal(await stopped, 'drained')
    await assert.rejects(ask(there, json({ text })), /ECONNREFUSED/)
  })

  it('cuts off what is under way when its time to stop is up', async () => {
    const { server: stopping, address: there } = await serve({}, { gracefulTimeoutMs: 20 })
    const hanging = connect(Number(new URL(there).port), '127.0.0.1')
    hanging.on('error', () => undefined)
    hanging.write(
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{"te',
    )
    await ask(there, { method: 'GET', path: '/livez' })
    assert.equal(await stopping.stop(), 'cut-off')
  })

  it('does not start where the port is taken', async () => {
    const engine = createEmbeddedEngine({ workers: 1 })
    const second = new NlpServer({ engine, port: Number(new URL(address).port) })
    await assert.rejects(second.start(), /EADDRINUSE/)
    await second.stop()
  })
})
