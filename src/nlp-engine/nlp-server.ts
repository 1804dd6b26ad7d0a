import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { EmbeddedEngine } from './embedded-engine.js'
import { EngineError } from './engine-error.js'
import { HttpProblem, readAnalysisRequest, type RequestLimits } from './read-analysis-request.js'

export interface NlpServerOptions {
  /** Does the work; the server closes it when it stops. */
  readonly engine: EmbeddedEngine
  /** Default `127.0.0.1`. */
  readonly host?: string | undefined
  /** Default 8080; 0 takes a free one. */
  readonly port?: number | undefined
  /** UTF-8 bytes of one text; longer ones are 413. Default 65,536. */
  readonly maxTextBytes?: number | undefined
  /** Bytes of a body; longer ones are 413. Default 4 MiB, or what one text can take, escaped as JSON, if that is more. */
  readonly maxBodyBytes?: number | undefined
  /** Texts of one request; more are 413. Default 1000. */
  readonly maxTexts?: number | undefined
  /** How long `stop` waits for answers under way before it cuts their connections, in ms. Default 10,000. */
  readonly gracefulTimeoutMs?: number | undefined
}

/** `cut-off`: the time was up, and connections were closed on requests without an answer. */
export type StopOutcome = 'drained' | 'cut-off'

/** Requests read or answered at once; more connections are refused by the operating system's queue. */
const maxConnections = 1024
const requestTimeoutMs = 30_000
/** Longer than clients keep a connection, so that they are the ones who close it. */
const keepAliveTimeoutMs = 75_000
const retryAfterSeconds = 1

const analysisPaths = new Set(['/', '/analyze'])
const healthPaths = new Set(['/healthz', '/livez', '/readyz'])

/**
 * The reference NLP service over HTTP, protocol `enrichd`: `POST /` or `/analyze`, `GET /healthz`, `/livez`, `/readyz`.
 *
 * starting → listening → draining → stopped; only `start` and `stop` move it, and neither goes back. While draining, what
 * was asked is answered, and what is asked is refused with 503.
 */
export class NlpServer {
  readonly #engine: EmbeddedEngine
  readonly #limits: RequestLimits
  readonly #options: { readonly host: string; readonly port: number; readonly gracefulTimeoutMs: number }
  readonly #server: Server
  #stopping: Promise<StopOutcome> | undefined

  constructor(options: NlpServerOptions) {
    this.#engine = options.engine
    const { maxTextBytes = 65_536 } = options
    this.#limits = {
      maxTextBytes,
      maxBodyBytes: options.maxBodyBytes ?? Math.max(4 * 1024 * 1024, maxTextBytes * 6 + 1024),
      maxTexts: options.maxTexts ?? 1000,
    }
    const { host = '127.0.0.1', port = 8080, gracefulTimeoutMs = 10_000 } = options
    this.#options = { host, port, gracefulTimeoutMs }
    this.#server = createServer(
      { requestTimeout: requestTimeoutMs, keepAliveTimeout: keepAliveTimeoutMs },
      (request, response) => {
        void this.#answer(request, response)
      },
    )
    this.#server.maxConnections = maxConnections
  }

  /** Loads the models, then listens. Resolves with the address, for example `http://127.0.0.1:8080`; rejects where the port is taken. */
  async start(): Promise<string> {
    await this.#engine.warmUp()
    if (this.#stopping !== undefined)
      throw new EngineError('closed', 'The service was stopped before it had started')
    const { host, port } = this.#options
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
    const address = this.#server.address() as AddressInfo
    return `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`
  }

  /** Accepts no more, answers what was asked, ends the workers. The same promise for every caller. */
  stop(): Promise<StopOutcome> {
    this.#stopping ??= this.#drain()
    return this.#stopping
  }

  async #drain(): Promise<StopOutcome> {
    let outcome: StopOutcome = 'drained'
    const cutOff = setTimeout(() => {
      outcome = 'cut-off'
      this.#server.closeAllConnections()
    }, this.#options.gracefulTimeoutMs)
    try {
      // Idle connections are closed at once, busy ones by the `connection: close` of their answer.
      if (this.#server.listening)
        await new Promise<void>((resolve) =>
          this.#server.close(() => {
            resolve()
          }),
        )
    } finally {
      clearTimeout(cutOff)
      await this.#engine.close()
    }
    return outcome
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController()
    response.once('close', () => {
      gone.abort()
    })
    try {
      const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
      if (healthPaths.has(path)) this.#sendHealth(request, response, path)
      else if (analysisPaths.has(path)) await this.#sendAnalyses(request, response, gone.signal)
      else throw new HttpProblem(404, 'not-found', { message: `There is no ${path.slice(0, 100)} here` })
    } catch (error) {
      if (!gone.signal.aborted) this.#sendProblem(request, response, toProblem(error))
    }
  }

  async #sendAnalyses(
    request: IncomingMessage,
    response: ServerResponse,
    signal: AbortSignal,
  ): Promise<void> {
    allow(request, ['POST'])
    if (this.#stopping !== undefined) throw toProblem(new EngineError('closed', 'The service is stopping'))
    const { texts, single } = await readAnalysisRequest(request, this.#limits)
    const analyses = await this.#engine.analyse(texts, signal)
    this.#send(response, 200, single ? analyses[0] : { results: analyses })
  }

  #sendHealth(request: IncomingMessage, response: ServerResponse, path: string): void {
    allow(request, ['GET', 'HEAD'])
    const draining = this.#stopping !== undefined
    const unready = draining && path !== '/livez'
    this.#send(response, unready ? 503 : 200, {
      status: draining ? 'draining' : 'ok',
      ...this.#engine.status(),
    })
  }

  #sendProblem(request: IncomingMessage, response: ServerResponse, problem: HttpProblem): void {
    for (const [name, value] of Object.entries(problem.headers)) response.setHeader(name, value)
    const { code, message, index } = problem
    this.#send(response, problem.status, {
      error: { code, message, ...(index === undefined ? {} : { index }) },
    })
    // What is left of a body that is not wanted must not stand in the connection's way.
    if (!request.complete) request.resume()
  }

  #send(response: ServerResponse, status: number, body: unknown): void {
    const json = Buffer.from(JSON.stringify(body))
    response.setHeader('content-type', 'application/json; charset=utf-8')
    response.setHeader('content-length', json.length)
    if (this.#stopping !== undefined) response.setHeader('connection', 'close')
    response.writeHead(status).end(json)
  }
}

function allow(request: IncomingMessage, methods: readonly string[]): void {
  if (methods.includes(request.method ?? '')) return
  const allowed = methods.join(', ')
  throw new HttpProblem(405, 'method-not-allowed', {
    message: `This path takes ${allowed}`,
    headers: { allow: allowed },
  })
}

/** By the four kinds of failure: 4xx is the text's or the request's own fault, 429 and 503 are worth trying again, 500 is ours. */
function toProblem(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error
  if (!(error instanceof EngineError)) {
    return new HttpProblem(500, 'failed', { message: 'The request could not be answered', cause: error })
  }
  const { code, message, index } = error
  const headers = { 'retry-after': String(retryAfterSeconds) }
  if (code === 'text-too-slow') return new HttpProblem(422, code, { message, index, cause: error })
  if (code === 'queue-full') return new HttpProblem(429, code, { message, headers, cause: error })
  if (code === 'closed') return new HttpProblem(503, code, { message, headers, cause: error })
  return new HttpProblem(500, code, { message, cause: error })
}
