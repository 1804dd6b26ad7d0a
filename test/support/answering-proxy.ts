import { Agent, createServer, request as call, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface AskedRequest {
  readonly method: string
  readonly path: string
  readonly body: Buffer
  /** Counts from 0 since the script was set. */
  readonly index: number
  /** Resolves when it is answered, or who asked has given it up. */
  readonly closed: Promise<void>
}

export interface HttpAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: string | Buffer
}

/** Sends the request on, with another body if given, and resolves with the whole answer. */
export type Forward = (body?: string | Buffer) => Promise<HttpAnswer>

/**
 * What becomes of one request: an answer in place of the server's, `hang` (never an answer), `reset`, or `undefined`: the
 * server's own. A script that has `forward` called decides after the server did its work.
 */
export type AnswerScript = (
  asked: AskedRequest,
  forward: Forward,
) => HttpAnswer | 'hang' | 'reset' | undefined | Promise<HttpAnswer | 'hang' | 'reset' | undefined>

/** An HTTP proxy that answers what it is told; without a script it passes everything on. */
export interface AnsweringProxy {
  readonly port: number
  script(script: AnswerScript | undefined): void
  close(): Promise<void>
}

/** @param target the server's URL, without a path */
export async function startAnsweringProxy(target: string): Promise<AnsweringProxy> {
  const agent = new Agent({ keepAlive: true })
  let script: AnswerScript | undefined
  let index = 0
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const closed = new Promise<void>((resolve) => response.once('close', resolve))
    const body = await bodyOf(request)
    const forward: Forward = (other = body) => forwardTo(target, agent, { request, body: other })
    const { method = 'GET', url: path = '/' } = request
    const said = await script?.({ method, path, body, index: index++, closed }, forward)
    if (said === 'hang') return
    if (said === 'reset') return void request.socket.resetAndDestroy()
    const answer = said ?? (await forward())
    response.writeHead(answer.status, answer.headers)
    response.end(method === 'HEAD' ? undefined : answer.body)
  }
  const server = createServer((request, response) => {
    serve(request, response).catch(() => request.socket.resetAndDestroy())
  })
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    script: (changed) => {
      script = changed
      index = 0
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
      agent.destroy()
    },
  }
}

/** Headers of one connection, not of the message. */
const hopHeaders = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'host'])

async function forwardTo(
  target: string,
  agent: Agent,
  { request, body }: { request: IncomingMessage; body: string | Buffer },
): Promise<HttpAnswer> {
  const url = new URL(request.url ?? '/', target)
  const bytes = Buffer.from(body)
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const length = bytes.length > 0 ? { 'content-length': bytes.length } : {}
    const headers = { ...withoutHops(request.headers), ...length }
    call(url, { method: request.method, headers, agent }, resolve).once('error', reject).end(bytes)
  })
  const headers = withoutHops(answer.headers)
  return { status: answer.statusCode ?? 502, headers, body: await bodyOf(answer) }
}

function withoutHops(headers: IncomingMessage['headers']): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !hopHeaders.has(name)) kept[name] = value
  }
  return kept
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
