import { createServer as createHttps } from 'node:https'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { TestContext } from 'node:test'
import type { Identity } from '../../support/certificates.js'

/** What is answered to `METHOD /path` (without its query): a body, or a status and a body. */
export type Answer = object | readonly [status: number, body: object]
export type Routes = Readonly<Record<string, Answer | ((body: string) => Answer)>>

export interface FakeCluster {
  readonly url: string
  /** `METHOD /path` of each request, in order. */
  readonly asked: string[]
  /** Bodies by `METHOD /path`; the last one counts. */
  readonly bodies: Map<string, string>
}

const unknown = [400, { error: 'no handler found', status: 400 }] as const

/**
 * A stand-in for the questions that `check` and `setup` ask Elasticsearch. By default it is a server without security,
 * templates and indices, on which every index may be made.
 */
export async function startFakeCluster(
  t: TestContext,
  routes: Routes = {},
  tls?: Identity,
): Promise<FakeCluster> {
  const asked: string[] = []
  const bodies = new Map<string, string>()
  const all: Routes = {
    'GET /_cluster/health': { status: 'green' },
    'GET /_cluster/settings': { defaults: { 'action.auto_create_index': 'true' } },
    'GET /_index_template': { index_templates: [] },
    ...routes,
  }
  const url = await listen(
    t,
    async (request, response) => {
      const key = `${request.method ?? ''} ${(request.url ?? '').split('?')[0]}`
      asked.push(key)
      const body = await read(request)
      bodies.set(key, body)
      const answer = all[key] ?? all[key.replace(/\/[^/]+$/, '/*')] ?? unknown
      reply(response, typeof answer === 'function' ? (answer as (body: string) => Answer)(body) : answer)
    },
    tls,
  )
  return { url, asked, bodies }
}

/** A server on loopback that ends with the test. @returns its URL */
export async function listen(
  t: TestContext,
  handler: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>,
  tls?: Identity,
): Promise<string> {
  const sockets = new Set<Socket>()
  const listener: RequestListener = (request, response) => void handler(request, response)
  const server = tls === undefined ? createServer(listener) : createHttps(tls, listener)
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
  }
  server.on('connection', keep).on('secureConnection', keep)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(
    () =>
      new Promise((resolve) => {
        server.close(resolve)
        for (const socket of sockets) socket.destroy()
      }),
  )
  return `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function reply(response: ServerResponse, answer: Answer): void {
  const [status, body] = Array.isArray(answer) ? (answer as [number, object]) : [200, answer]
  response.setHeader('X-Elastic-Product', 'Elasticsearch')
  response.setHeader('content-type', 'application/vnd.elasticsearch+json;compatible-with=8')
  response.writeHead(status).end(JSON.stringify(body))
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
