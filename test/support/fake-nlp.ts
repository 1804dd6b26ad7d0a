import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { pathToFileURL } from 'node:url'

/** What the stand-in does with one request. */
export interface FakeNlpBehaviour {
  /** Before it answers. Default 0. */
  readonly latencyMs?: number
  /** Default 200. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** In place of an honest answer. */
  readonly body?: string
  /** `hang` never answers; `reset` drops the connection; `half` drops it in the middle of the answer. */
  readonly fault?: 'hang' | 'reset' | 'half' | undefined
  /** Sends the answer byte by byte, this long apart. */
  readonly trickleMs?: number
}

/** What it does by default, changeable while it runs, in-process or by `POST /-/settings`. */
export interface FakeNlpSettings extends FakeNlpBehaviour {
  /** Uniform around `latencyMs`: 0.5 is ±50 %. */
  readonly jitter?: number
  /** Requests at once; beyond, `overloadStatus` at once. 0 for no bound. */
  readonly capacity?: number
  readonly overloadStatus?: number
  readonly retryAfter?: string | undefined
}

export interface FakeNlpStats {
  requests: number
  ok: number
  refused: number
  /** Whoever asked had gone before the answer was there: it counts as none. */
  unheard: number
  inFlight: number
  maxInFlight: number
}

export interface FakeNlpOptions {
  readonly settings?: FakeNlpSettings
  /** Decides request by request; what it leaves out comes from the settings. */
  readonly script?: (
    texts: readonly string[],
    request: { readonly index: number; readonly headers: IncomingHttpHeaders },
  ) => FakeNlpBehaviour | undefined
  readonly port?: number
}

export interface FakeNlp {
  readonly url: string
  readonly port: number
  readonly stats: FakeNlpStats
  /** Texts answered with 200 to somebody who was still there, in order, while `record` is on (it is unless run as a process). */
  readonly answered: string[]
  change(settings: FakeNlpSettings): void
  close(): Promise<void>
}

/** A stand-in for an NLP service that speaks the protocol `enrichd`, honestly or as it is told. */
export async function startFakeNlp(options: FakeNlpOptions = {}): Promise<FakeNlp> {
  let settings = options.settings ?? {}
  const stats: FakeNlpStats = { requests: 0, ok: 0, refused: 0, unheard: 0, inFlight: 0, maxInFlight: 0 }
  const answered: string[] = []
  const sockets = new Set<Socket>()
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await readBody(request)
    if (request.url?.startsWith('/-/')) {
      control(request.url, body, response)
      return
    }
    const index = stats.requests++
    const texts = textsOf(body)
    const said: FakeNlpSettings = {
      ...settings,
      ...options.script?.(texts, { index, headers: request.headers }),
    }
    if (said.capacity && stats.inFlight >= said.capacity) {
      stats.refused++
      const headers = said.retryAfter === undefined ? {} : { 'retry-after': said.retryAfter }
      return void response.writeHead(said.overloadStatus ?? 429, headers).end('{"error":"overloaded"}')
    }
    stats.maxInFlight = Math.max(stats.maxInFlight, ++stats.inFlight)
    try {
      await behave(said, { request, response, texts })
    } finally {
      stats.inFlight--
    }
    if (!request.socket.writable) {
      stats.unheard++
      return
    }
    if ((said.status ?? 200) === 200 && said.fault === undefined && said.body === undefined) {
      stats.ok++
      if (answered.length < 1_000_000) answered.push(...texts)
    }
  }
  const control = (url: string, body: string, response: ServerResponse) => {
    if (url === '/-/settings') settings = JSON.parse(body) as FakeNlpSettings
    if (url === '/-/reset')
      Object.assign(stats, { requests: 0, ok: 0, refused: 0, unheard: 0, maxInFlight: stats.inFlight })
    response.end(JSON.stringify(stats))
  }
  const server = createServer((request, response) => {
    serve(request, response).catch(() => request.destroy())
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await listen(server, options.port ?? 0)
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    port,
    stats,
    answered,
    change: (changed) => {
      settings = changed
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        for (const socket of sockets) socket.destroy()
      }),
  }
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly texts: readonly string[]
}

async function behave(said: FakeNlpSettings, { request, response, texts }: Exchange): Promise<void> {
  const { latencyMs = 0, jitter = 0, fault } = said
  const wait = latencyMs * (1 + jitter * (2 * Math.random() - 1))
  if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
  if (fault === 'hang') return new Promise((resolve) => request.socket.once('close', resolve))
  if (fault === 'reset') return void request.socket.resetAndDestroy()
  const body = Buffer.from(said.body ?? honestAnswer(texts))
  response.writeHead(said.status ?? 200, {
    'content-type': 'application/json',
    'content-length': body.length,
    ...said.headers,
  })
  if (fault === 'half') {
    response.write(body.subarray(0, body.length >> 1), () => request.socket.destroy())
    return
  }
  if (said.trickleMs === undefined) return void response.end(body)
  for (let at = 0; at < body.length && !response.destroyed; at++) {
    response.write(body.subarray(at, at + 1))
    await new Promise((resolve) => setTimeout(resolve, said.trickleMs))
  }
  response.end()
}

/** The first word of each text is its entity. */
function honestAnswer(texts: readonly string[]): string {
  const results = texts.map((text) => {
    const word = /\S+/.exec(text)
    const entities = word
      ? [{ text: word[0], type: 'word', start: word.index, end: word.index + word[0].length }]
      : []
    return { entities, severity: /error|fatal/i.test(text) ? 'high' : 'low' }
  })
  return JSON.stringify(results.length === 1 ? results[0] : { results })
}

function textsOf(body: string): readonly string[] {
  const { text, texts } = JSON.parse(body) as { text?: string; texts?: string[] }
  return texts ?? [text ?? '']
}

function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      resolve(Buffer.concat(chunks).toString('utf8'))
    })
    request.on('error', reject)
  })
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      resolve()
    })
  })
}

/** `node --import tsx test/support/fake-nlp.ts [port] [settings as JSON]`: says its address as one JSON line, ends on SIGTERM. */
async function main([port = '0', settings = '{}']: readonly string[]): Promise<void> {
  const nlp = await startFakeNlp({ port: Number(port), settings: JSON.parse(settings) as FakeNlpSettings })
  process.stdout.write(`${JSON.stringify({ url: nlp.url, port: nlp.port, pid: process.pid })}\n`)
  process.once('SIGTERM', () => void nlp.close())
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(process.argv.slice(2))
