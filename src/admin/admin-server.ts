import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isIPv6, type AddressInfo } from 'node:net'
import { adminRoutes, type AdminViews } from './admin-routes.js'

export interface AdminServerOptions extends AdminViews {
  /** Default `127.0.0.1`: reachable from this machine only. */
  readonly host?: string
  /** 0 takes a free one. Default 8686. */
  readonly port?: number
  /** Called when an answer could not be made; the asker gets a plain 500. */
  readonly onError?: (path: string, error: unknown) => void
  /** How long a request may take to arrive, in ms. Default 10,000. */
  readonly requestTimeoutMs?: number
}

export interface AdminServer {
  /** Where the status page is, with the port that was taken. */
  readonly url: string
  readonly port: number
  /** Ends every connection and stops listening, at once. Idempotent. */
  close(): Promise<void>
}

const DEFAULT_PORT = 8686
/** Nothing here takes a body; a small one is ignored. */
const MAX_BODY_BYTES = 65_536
const MAX_HEADER_BYTES = 16_384
const MAX_CONNECTIONS = 200
/** A connection on which nothing moves, while an answer is written for example, is ended after this. */
const IDLE_TIMEOUT_MS = 15_000
const KEEP_ALIVE_MS = 5000

/**
 * Health, readiness, metrics and status over HTTP. It answers questions and changes nothing. Whatever is sent to it gets
 * a clean answer (400, 404, 405, 408, 413, 431) in bounded memory and time.
 *
 * @returns once it listens
 * @throws Error with that of `listen` as its cause, for example EADDRINUSE
 */
export async function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const { host = '127.0.0.1', port = DEFAULT_PORT, requestTimeoutMs = 10_000 } = options
  const server = createServer({
    requestTimeout: requestTimeoutMs,
    headersTimeout: requestTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: Math.min(1000, requestTimeoutMs),
    maxHeaderSize: MAX_HEADER_BYTES,
  })
  server.maxConnections = MAX_CONNECTIONS
  server.setTimeout(IDLE_TIMEOUT_MS, (socket) => {
    socket.destroy()
  })
  const answerTo = answerer(options)
  server.on('request', answerTo)
  // Who asks before sending a large body is told at once, and that no body is waited for.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    response.setHeader('connection', 'close')
    answerTo(request, response)
  })
  await listening(server, host, port)
  const taken = (server.address() as AddressInfo).port
  return {
    url: `http://${isIPv6(host) ? `[${host}]` : host}:${taken}/`,
    port: taken,
    close: () => closed(server),
  }
}

function answerer(options: AdminServerOptions): (request: IncomingMessage, response: ServerResponse) => void {
  const routes = adminRoutes(options)
  return (request, response) => {
    const path = pathOf(request)
    answer({ request, response, path, routes }).catch((error: unknown) => {
      options.onError?.(path, error)
      if (response.headersSent) response.destroy()
      else refuse(response, 500, 'the answer could not be made; the log says why')
    })
  }
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly path: string
  readonly routes: ReturnType<typeof adminRoutes>
}

async function answer({ request, response, path, routes }: Exchange): Promise<void> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) {
    refuse(response, 413, 'no body is taken here')
    return
  }
  const route = routes.get(path)
  if (route === undefined) {
    refuse(response, 404, `nothing here; there are ${[...routes.keys()].join(', ')}`)
    return
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    refuse(response, 405, 'only GET and HEAD: nothing can be changed here')
    return
  }
  const { status = 200, type, body, headers = {} } = await route()
  send(response, status, { 'content-type': type, ...headers }, body)
}

function refuse(response: ServerResponse, status: number, why: string): void {
  send(
    response,
    status,
    { 'content-type': 'application/json; charset=utf-8' },
    `${JSON.stringify({ error: why })}\n`,
  )
}

// A body that was not read is thrown away by Node as it comes, within the request's time-out; so the answer arrives.
// eslint-disable-next-line max-params -- the parts of a response
function send(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): void {
  response.writeHead(status, {
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    ...headers,
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}

/** The path without the query. */
function pathOf({ url = '/' }: IncomingMessage): string {
  const end = url.indexOf('?')
  return end === -1 ? url : url.slice(0, end)
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: Error) => {
      const advice = 'set admin.port to a free one, or to 0 for any'
      reject(new Error(`the admin port cannot be opened: ${cause.message}; ${advice}`, { cause }))
    }
    server.once('error', failed)
    server.listen({ host, port }, () => {
      server.off('error', failed)
      resolve()
    })
  })
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve()
    })
    server.closeAllConnections()
  })
}
