import assert from 'node:assert/strict'
import { createServer as createHttp, request as httpRequest } from 'node:http'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { analyseOnce, PromisedCall } from '../../src/enrich/analyser.js'
import { HttpAnalyser, type HttpAnalyserOptions } from '../../src/enrich/http-analyser.js'
import { enrichdProtocol } from '../../src/enrich/protocols/enrichd.js'
import { proxyFor } from '../../src/enrich/proxy-for.js'
import { EnrichdError } from '../../src/errors.js'
import { startFakeNlp, type FakeNlpOptions } from '../support/fake-nlp.js'

const protocol = enrichdProtocol({ path: '/' })

async function setUp(
  t: TestContext,
  server: FakeNlpOptions = {},
  options: Partial<HttpAnalyserOptions> = {},
) {
  const nlp = await startFakeNlp(server)
  const analyser = new HttpAnalyser({ url: nlp.url, protocol, timeoutMs: 2000, ...options })
  t.after(async () => {
    await analyser.close()
    await nlp.close()
  })
  return { nlp, analyser, analyse: (...texts: string[]) => analyseOnce(analyser, texts) }
}

const rejectsWith = (promise: Promise<unknown>, code: string, kind: string) =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof EnrichdError, String(error))
    assert.deepEqual([error.code, error.kind], [code, kind])
    return true
  })

test('texts go out and analyses come back, one or several at a time', async (t) => {
  const { analyse } = await setUp(t)
  const error = { entities: [{ text: 'ERROR', type: 'word', start: 0, end: 5 }], severity: 'high' }
  assert.deepEqual(await analyse('ERROR x'), [error])
  assert.deepEqual(await analyse('ERROR y', ''), [error, { entities: [], severity: 'low' }])
})

test('connections are kept and used again, one for each call at a time', async (t) => {
  const ports = new Set<number | undefined>()
  const http = createHttp((request, response) => {
    ports.add(request.socket.remotePort)
    request.resume().on('end', () => setTimeout(() => response.end('{"entities":[]}'), 20))
  })
  const url = await listen(t, http)
  const analyser = new HttpAnalyser({ url, protocol, timeoutMs: 2000 })
  t.after(() => analyser.close())
  for (let round = 0; round < 5; round++) {
    await Promise.all(['a', 'b', 'c'].map((text) => analyseOnce(analyser, [text])))
  }
  assert.equal(ports.size, 3)
})

test('headers and the bearer token are sent; the user wins over the protocol', async (t) => {
  let seen: NodeJS.Dict<string | string[]> = {}
  const http = createHttp((request, response) => {
    seen = request.headers
    request.resume().on('end', () => response.end('{"entities":[]}'))
  })
  const url = await listen(t, http)
  const headers = { 'X-Team': 'logs', Accept: 'application/x-json' }
  const analyser = new HttpAnalyser({ url, protocol, timeoutMs: 2000, headers, bearerToken: 'abc' })
  t.after(() => analyser.close())
  await analyseOnce(analyser, ['x'])
  assert.equal(seen['authorization'], 'Bearer abc')
  assert.equal(seen['x-team'], 'logs')
  assert.equal(seen['accept'], 'application/x-json')
  assert.equal(seen['content-type'], 'application/json')
})

test('an answer that is compressed without being asked to says so', async (t) => {
  const http = createHttp((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{"entities":[]}'))
    })
  })
  const analyser = new HttpAnalyser({ url: await listen(t, http), protocol, timeoutMs: 2000 })
  t.after(() => analyser.close())
  await assert.rejects(analyseOnce(analyser, ['x']), /compressed \(content-encoding: gzip\).*switch that off/)
})

test('a service that hangs is a time-out, and its connection is not used again', async (t) => {
  const { nlp, analyse } = await setUp(t, { settings: { fault: 'hang' } }, { timeoutMs: 100 })
  await rejectsWith(analyse('x'), 'NLP_TIMEOUT', 'suspect')
  nlp.change({})
  assert.equal((await analyse('x')).length, 1)
})

test('an answer that drips byte by byte is over at the time limit', async (t) => {
  const { analyse } = await setUp(t, { settings: { trickleMs: 20 } }, { timeoutMs: 150 })
  const before = performance.now()
  await rejectsWith(analyse('x'), 'NLP_TIMEOUT', 'suspect')
  assert.ok(performance.now() - before < 1000)
})

test('half an answer is a bad one', async (t) => {
  const { analyse } = await setUp(t, { settings: { fault: 'half' } })
  await rejectsWith(analyse('x'), 'NLP_BAD_ANSWER', 'suspect')
})

test('an answer beyond the bound is cut off and a bad one', async (t) => {
  const { analyse } = await setUp(t, { settings: { body: ' '.repeat(100_000) } }, { maxAnswerBytes: 10_000 })
  await rejectsWith(analyse('x'), 'NLP_BAD_ANSWER', 'suspect')
})

test('a reset before the answer is an outage, and the next call has a new connection', async (t) => {
  const { nlp, analyse } = await setUp(t, { settings: { fault: 'reset' } })
  await rejectsWith(analyse('x'), 'NLP_UNREACHABLE', 'outage')
  nlp.change({})
  assert.equal((await analyse('x')).length, 1)
})

test('nobody there is an outage, and so is a name that nobody knows', async (t) => {
  const { nlp, analyse } = await setUp(t)
  await nlp.close()
  await rejectsWith(analyse('x'), 'NLP_UNREACHABLE', 'outage')
  const nowhere = new HttpAnalyser({ url: 'http://nlp.invalid/', protocol, timeoutMs: 2000 })
  t.after(() => nowhere.close())
  await rejectsWith(analyseOnce(nowhere, ['x']), 'NLP_UNREACHABLE', 'outage')
})

for (const [what, settings, code, kind] of [
  ['429', { status: 429 }, 'NLP_OVERLOADED', 'outage'],
  ['422', { status: 422 }, 'NLP_REJECTED', 'record'],
  ['500', { status: 500 }, 'NLP_SERVER_ERROR', 'suspect'],
  ['404', { status: 404 }, 'NLP_MISCONFIGURED', 'setting'],
  ['a redirect', { status: 302, headers: { location: '/else' } }, 'NLP_MISCONFIGURED', 'setting'],
  ['HTML', { headers: { 'content-type': 'text/html' }, body: '<html>' }, 'NLP_MISCONFIGURED', 'setting'],
  ['HTML that does not say so', { body: '<!DOCTYPE html>' }, 'NLP_MISCONFIGURED', 'setting'],
  ['no JSON', { body: 'hello' }, 'NLP_BAD_ANSWER', 'suspect'],
  ['204', { status: 204, body: '' }, 'NLP_BAD_ANSWER', 'suspect'],
] as const) {
  test(`${what} is ${kind}`, async (t) => {
    const { analyse } = await setUp(t, { settings })
    await rejectsWith(analyse('x'), code, kind)
  })
}

test('a port that speaks something else is a bad answer', async (t) => {
  const server = createServer((socket) => socket.on('error', () => undefined).end('SSH-2.0-OpenSSH\r\n'))
  const url = await listen(t, server)
  const analyser = new HttpAnalyser({ url, protocol, timeoutMs: 2000 })
  t.after(() => analyser.close())
  await rejectsWith(analyseOnce(analyser, ['x']), 'NLP_BAD_ANSWER', 'suspect')
})

test('TLS against a plain port is a wrong setting', async (t) => {
  const { nlp } = await setUp(t)
  const analyser = new HttpAnalyser({ url: nlp.url.replace('http:', 'https:'), protocol, timeoutMs: 2000 })
  t.after(() => analyser.close())
  await rejectsWith(analyseOnce(analyser, ['x']), 'NLP_MISCONFIGURED', 'setting')
})

test('a call that is cancelled rejects with the reason at once, also while it is connecting', async (t) => {
  const { analyser } = await setUp(t, { settings: { fault: 'hang' } })
  for (const wait of [0, 50]) {
    const call = new PromisedCall()
    analyser.analyse(['x'], call)
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    const reason = new Error('enough')
    call.canceller?.cancel(reason)
    await assert.rejects(call.analyses, reason)
    assert.equal(call.canceller, undefined)
  }
})

test('a call that is cancelled before it is sent is never sent', async (t) => {
  const { nlp, analyser, analyse } = await setUp(t)
  const call = new PromisedCall()
  analyser.analyse(['x'], call)
  call.canceller?.cancel(new Error('enough'))
  await assert.rejects(call.analyses, /enough/)
  await analyse('y')
  assert.equal(nlp.stats.requests, 1)
})

test('a request that the client refuses fails its own call, and no other', async (t) => {
  const { nlp } = await setUp(t)
  const options = { url: 'http://nlp.example/', protocol, timeoutMs: 2000, proxyUrl: nlp.url }
  const headers = { 'proxy-authorization': 'not here' }
  const analyser = new HttpAnalyser({ ...options, headers })
  t.after(() => analyser.close())
  const calls = ['x', 'y'].map((text) => analyseOnce(analyser, [text]))
  for (const call of calls) await assert.rejects(call, EnrichdError)
})

test('close cuts off what is under way', async (t) => {
  const { analyser, analyse } = await setUp(t, { settings: { fault: 'hang' } })
  const analysing = analyse('x')
  const failing = rejectsWith(analysing, 'NLP_UNREACHABLE', 'outage')
  await analyser.close()
  await failing
  await rejectsWith(analyse('x'), 'NLP_UNREACHABLE', 'outage')
})

test('through a proxy: plain http is forwarded, with the password that the proxy wants', async (t) => {
  const { nlp } = await setUp(t)
  const seen: string[] = []
  const proxy = createHttp((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers['proxy-authorization']}`)
    const onward = httpRequest(request.url ?? '', { method: 'POST', headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    request.pipe(onward)
  })
  const proxyUrl = (await listen(t, proxy)).replace('http://', 'http://user:secret@')
  const analyser = new HttpAnalyser({ url: nlp.url, protocol, timeoutMs: 2000, proxyUrl })
  t.after(() => analyser.close())
  assert.equal((await analyseOnce(analyser, ['x'])).length, 1)
  assert.deepEqual(seen, [`POST ${nlp.url} Basic ${Buffer.from('user:secret').toString('base64')}`])
})

test('through a proxy: https is tunnelled, and a proxy that refuses is told from one that cannot connect', async (t) => {
  const targets: string[] = []
  let status = 407
  const proxy = createHttp()
  proxy.on('connect', (request, socket) => {
    targets.push(request.url ?? '')
    if (status !== 200) return socket.end(`HTTP/1.1 ${status} No\r\n\r\n`)
    const [host = '', port = ''] = (request.url ?? '').split(':')
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      socket.pipe(onward).pipe(socket)
    })
    onward.on('error', () => socket.destroy())
  })
  const proxyUrl = await listen(t, proxy)
  const analyser = new HttpAnalyser({ url: 'https://127.0.0.1:1/', protocol, timeoutMs: 2000, proxyUrl })
  t.after(() => analyser.close())
  await rejectsWith(analyseOnce(analyser, ['x']), 'NLP_MISCONFIGURED', 'setting')
  status = 502
  await rejectsWith(analyseOnce(analyser, ['x']), 'NLP_UNREACHABLE', 'outage')
  assert.deepEqual(targets, ['127.0.0.1:1', '127.0.0.1:1'])
})

test('the proxy variables choose by scheme, and no_proxy exempts hosts, domains and ports', () => {
  const variables = {
    httpProxy: 'http://p:1',
    httpsProxy: 'http://p:2',
    noProxy: 'localhost, .corp,10.0.0.1:8080',
  }
  assert.equal(proxyFor('http://nlp.example/', variables), 'http://p:1')
  assert.equal(proxyFor('https://nlp.example/', variables), 'http://p:2')
  assert.equal(proxyFor('http://localhost:9/', variables), undefined)
  assert.equal(proxyFor('http://nlp.corp/', variables), undefined)
  assert.equal(proxyFor('http://10.0.0.1:8080/', variables), undefined)
  assert.equal(proxyFor('http://10.0.0.1/', variables), 'http://p:1')
  assert.equal(proxyFor('http://nlp.example/', { ...variables, noProxy: '*' }), undefined)
  assert.equal(proxyFor('http://nlp.example/', {}), undefined)
})

async function listen(t: TestContext, server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket))
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}
