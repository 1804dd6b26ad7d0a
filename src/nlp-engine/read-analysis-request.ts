import type { IncomingMessage } from 'node:http'

/** What a client asks for: the analyses of `texts`; `single` says in which of the two forms it asked. */
export interface AnalysisRequest {
  readonly texts: readonly string[]
  readonly single: boolean
}

export interface RequestLimits {
  /** UTF-8 bytes of one text. */
  readonly maxTextBytes: number
  /** Bytes of a whole body. */
  readonly maxBodyBytes: number
  /** Texts in one request. */
  readonly maxTexts: number
}

/** A request that gets an error for an answer. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem'
  readonly status: number
  readonly code: string
  /** The place of the text at fault in `texts`. */
  readonly index: number | undefined
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    code: string,
    detail: {
      message: string
      index?: number | undefined
      headers?: Readonly<Record<string, string>>
      cause?: unknown
    },
  ) {
    super(detail.message, { cause: detail.cause })
    this.status = status
    this.code = code
    this.index = detail.index
    this.headers = detail.headers ?? {}
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true })

/** Reads and checks `{"text": "…"}` or `{"texts": ["…"]}`. Throws an `HttpProblem` with 400, 413 or 415; holds no more than `maxBodyBytes`. */
export async function readAnalysisRequest(
  request: IncomingMessage,
  limits: RequestLimits,
): Promise<AnalysisRequest> {
  checkHeaders(request)
  const body = parse(await readBody(request, limits.maxBodyBytes))
  const { text, texts } = (typeof body === 'object' && body !== null ? body : {}) as {
    text?: unknown
    texts?: unknown
  }
  const single = text !== undefined
  const given = single && texts === undefined ? [text] : single ? undefined : texts
  if (!Array.isArray(given) || !given.every((it) => typeof it === 'string')) {
    throw new HttpProblem(400, 'bad-request', {
      message: 'Expected {"text": "…"} or {"texts": ["…", …]}, one of them, with strings',
    })
  }
  checkSizes(given, limits)
  return { texts: given, single }
}

function checkHeaders({ headers }: IncomingMessage): void {
  const type = headers['content-type'] ?? ''
  const charset = /;\s*charset="?([\w-]+)/i.exec(type)?.[1]?.toLowerCase() ?? 'utf-8'
  const isJson = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type)
  if (!isJson || (charset !== 'utf-8' && charset !== 'utf8')) {
    throw new HttpProblem(415, 'unsupported-media-type', {
      message: 'Expected Content-Type: application/json in UTF-8',
    })
  }
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    const message = `Content-Encoding ${headers['content-encoding'] ?? ''} is not supported`
    throw new HttpProblem(415, 'unsupported-encoding', {
      message,
      headers: { 'accept-encoding': 'identity' },
    })
  }
}

async function readBody(request: IncomingMessage, maxBodyBytes: number): Promise<Buffer> {
  const tooLarge = (): HttpProblem =>
    new HttpProblem(413, 'body-too-large', {
      message: `The body may have ${maxBodyBytes} bytes`,
      headers: { connection: 'close' },
    })
  if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) throw tooLarge()
  const chunks: Buffer[] = []
  let bytes = 0
  // A request destroyed half way would take its connection along, and with it the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBodyBytes) throw tooLarge()
    chunks.push(chunk)
  }
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(decoder.decode(body))
  } catch (cause) {
    throw new HttpProblem(400, 'bad-json', {
      message: `The body is not JSON in UTF-8: ${(cause as Error).message}`,
      cause,
    })
  }
}

function checkSizes(texts: readonly string[], { maxTexts, maxTextBytes }: RequestLimits): void {
  if (texts.length > maxTexts) {
    throw new HttpProblem(413, 'too-many-texts', {
      message: `A request may have ${maxTexts} texts, not ${texts.length}`,
    })
  }
  const index = texts.findIndex(
    (text) => text.length * 3 > maxTextBytes && Buffer.byteLength(text) > maxTextBytes,
  )
  if (index !== -1) {
    throw new HttpProblem(413, 'text-too-large', {
      message: `A text may have ${maxTextBytes} bytes of UTF-8`,
      index,
    })
  }
}
