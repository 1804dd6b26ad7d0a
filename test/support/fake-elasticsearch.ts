import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { gunzipSync } from 'node:zlib'

export interface FakeBulkItem {
  readonly op: string
  readonly index: string
  readonly id: string
  readonly source: string
}

export interface FakeItemError {
  readonly status: number
  readonly type?: string
  readonly reason?: string
}

/** What the stand-in does with one bulk. */
export type BulkAnswer =
  /** Stores everything. */
  | 'ok'
  /** Cuts the connection before it answers. */
  | 'reset'
  /** Never answers. */
  | 'hang'
  /** Stores everything, and never answers. */
  | 'store-and-hang'
  /** Decides item by item: nothing means stored. */
  | { readonly item: (item: FakeBulkItem) => FakeItemError | undefined }
  /** A whole answer, word for word. */
  | {
      readonly status: number
      readonly body?: unknown
      readonly headers?: Record<string, string>
      readonly noProductHeader?: boolean
    }

export interface FakeElasticsearch {
  readonly url: string
  /** Decides about each bulk; default `ok`. */
  onBulk: (items: readonly FakeBulkItem[], number: number) => BulkAnswer | Promise<BulkAnswer>
  /** Answers `HEAD /NAME`: a status. Default: 200 for an index that holds documents. */
  onHead: ((name: string) => number | 'hang') | undefined
  /** Answers a single document, which is not stored. Default: 200. */
  onPut: (() => number | 'hang') | undefined
  /** Each bulk as it came. */
  readonly bulks: { readonly items: readonly FakeBulkItem[]; readonly headers: IncomingMessage['headers'] }[]
  /** `index/id` → source. */
  readonly documents: Map<string, string>
  /** Bulks that came and were not answered; `HEAD` requests do not count. */
  readonly inFlight: number
  readonly maxInFlight: number
  readonly heads: string[]
  close(): Promise<void>
}

/** A scriptable stand-in for Elasticsearch's bulk API, on loopback and a free port. */
export async function startFakeElasticsearch(port = 0): Promise<FakeElasticsearch> {
  const sockets = new Set<Socket>()
  let inFlight = 0
  let maxInFlight = 0
  const fake = {
    url: '',
    onBulk: (): BulkAnswer => 'ok',
    onHead: undefined,
    onPut: undefined,
    bulks: [],
    heads: [],
    documents: new Map<string, string>(),
    get inFlight() {
      return inFlight
    },
    get maxInFlight() {
      return maxInFlight
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  } as FakeElasticsearch & { url: string }

  const server = createServer((request, response) => {
    response.setHeader('X-Elastic-Product', 'Elasticsearch')
    if (request.method === 'PUT') {
      const status = fake.onPut?.() ?? 200
      if (status !== 'hang') response.writeHead(status).end()
      return
    }
    if (request.method !== 'HEAD') {
      inFlight++
      maxInFlight = Math.max(maxInFlight, inFlight)
      response.on('close', () => inFlight--)
    }
    const handled = request.method === 'HEAD' ? head(fake, request, response) : bulk(fake, request, response)
    handled.catch(() => response.destroy())
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  fake.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return fake
}

async function head(
  fake: FakeElasticsearch,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const name = decodeURIComponent((request.url ?? '/').slice(1))
  fake.heads.push(name)
  const holds = [...fake.documents.keys()].some((key) => key.startsWith(`${name}/`))
  const status = fake.onHead?.(name) ?? (name === '' || holds ? 200 : 404)
  if (status !== 'hang') response.writeHead(status).end()
}

async function bulk(
  fake: FakeElasticsearch,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const raw = Buffer.concat(chunks)
  const items = parseBulk((request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw).toString())
  fake.bulks.push({ items, headers: request.headers })
  const answer = await fake.onBulk(items, fake.bulks.length)
  if (answer === 'reset') request.socket.destroy()
  else if (answer === 'hang') return
  else if (answer === 'store-and-hang') answerItems(fake, items, () => undefined)
  else if (answer === 'ok')
    reply(
      response,
      200,
      answerItems(fake, items, () => undefined),
    )
  else if ('item' in answer) reply(response, 200, answerItems(fake, items, answer.item))
  else {
    if (answer.noProductHeader === true) response.removeHeader('X-Elastic-Product')
    for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value)
    reply(response, answer.status, answer.body ?? { error: 'no reason given' })
  }
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  const text = typeof body === 'string'
  if (!response.hasHeader('content-type')) {
    response.setHeader(
      'content-type',
      text ? 'text/html' : 'application/vnd.elasticsearch+json;compatible-with=8',
    )
  }
  response.writeHead(status).end(text ? body : JSON.stringify(body))
}

function answerItems(
  fake: FakeElasticsearch,
  items: readonly FakeBulkItem[],
  decide: (item: FakeBulkItem) => FakeItemError | undefined,
): unknown {
  let errors = false
  const results = items.map((item) => {
    const key = `${item.index}/${item.id}`
    const conflict = item.op === 'create' && fake.documents.has(key)
    const error = conflict
      ? { status: 409, type: 'version_conflict_engine_exception', reason: 'exists' }
      : decide(item)
    if (error === undefined) {
      const status = fake.documents.has(key) ? 200 : 201
      fake.documents.set(key, item.source)
      return { [item.op]: { status } }
    }
    errors = true
    return { [item.op]: { status: error.status, error: { type: error.type, reason: error.reason } } }
  })
  return { errors, items: results }
}

function parseBulk(text: string): FakeBulkItem[] {
  if (!text.endsWith('\n')) throw new Error('a bulk ends with a line end')
  const lines = text.slice(0, -1).split('\n')
  const items: FakeBulkItem[] = []
  for (let line = 0; line < lines.length; line += 2) {
    const [[op, action]] = Object.entries(
      JSON.parse(lines[line]!) as Record<string, { _index: string; _id: string }>,
    ) as [[string, { _index: string; _id: string }]]
    const source = lines[line + 1]!
    JSON.parse(source)
    items.push({ op, index: action._index, id: action._id, source })
  }
  return items
}
