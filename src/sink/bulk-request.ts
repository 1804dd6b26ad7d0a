import type { Client } from '@elastic/elasticsearch'
import type { EnrichedDocument } from '../delivery/document.js'
import { EnrichdError } from '../errors.js'
import { classifyRequestError, unusableAnswer, type ItemFailure } from './classify-index-error.js'

/** `index` overwrites what an earlier delivery wrote; `create` leaves it, which data streams want. */
export type OpType = 'index' | 'create'

/** One document of a bulk: where it goes, under which id. */
export interface BulkItem {
  readonly index: string
  readonly id: string
  readonly document: EnrichedDocument
}

/** What became of one item. `exists`: a `create` met the document of an earlier delivery. */
export type ItemOutcome = 'indexed' | 'exists' | ItemFailure

/** Elasticsearch as the bulk stage needs it. Every method rejects with an `EnrichdError`, or with the signal's reason. */
export interface BulkEndpoint {
  /** One request, one attempt. One outcome per item, in their order. */
  bulk(items: readonly BulkItem[], signal: AbortSignal): Promise<readonly ItemOutcome[]>
  /** Whether an index, alias or data stream of this name is there; undefined where we may not ask. */
  exists(index: string, signal: AbortSignal): Promise<boolean | undefined>
  /** Resolves if anything answers within `timeoutMs`, whatever it says. */
  ping(timeoutMs: number, signal: AbortSignal): Promise<void>
  /**
   * Resolves if Elasticsearch answers within `timeoutMs`, takes the login and is not overloaded; whether a bulk would be
   * taken it does not say.
   */
  greet(timeoutMs: number, signal: AbortSignal): Promise<void>
  /** Writes one document outside any bulk. Resolves if that is answered within `timeoutMs`, whatever the answer says. */
  rewrite(item: BulkItem, timeoutMs: number, signal: AbortSignal): Promise<void>
}

export interface ElasticsearchBulkOptions {
  readonly opType: OpType
}

/** Without the paths the answer repeats index, id, shards and version of every item: eight times as many bytes. */
const query = '?filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason'

/** The endpoint over a client made by `elasticsearchClient`. */
export function elasticsearchBulk(client: Client, { opType }: ElasticsearchBulkOptions): BulkEndpoint {
  const request = async (
    params: { method: string; path: string; bulkBody?: string | Buffer; body?: string },
    options: RequestOptions,
  ) => {
    const { signal, ...others } = options
    // Of this request alone: when one times out, the client fires `abort` at the signal that it was given.
    const own = new AbortController()
    const abort = () => {
      own.abort(signal.reason)
    }
    signal.addEventListener('abort', abort, { once: true })
    try {
      signal.throwIfAborted()
      return await client.transport.request(params, { ...others, signal: own.signal })
    } catch (error) {
      signal.throwIfAborted()
      throw classifyRequestError(error)
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }
  return {
    async bulk(items, signal) {
      const bulkBody = bulkBodyOf(items, opType)
      return outcomesOf(
        await request({ method: 'POST', path: `/_bulk${query}`, bulkBody }, { signal }),
        items.length,
        opType,
      )
    },
    async exists(index, signal) {
      try {
        return (await request({ method: 'HEAD', path: `/${encodeURIComponent(index)}` }, { signal })) === true
      } catch (error) {
        if (error instanceof EnrichdError && error.kind === 'setting') return undefined
        throw error
      }
    },
    async ping(timeoutMs, signal) {
      const options = { signal, requestTimeout: timeoutMs }
      await request({ method: 'HEAD', path: '/' }, options).catch((error: unknown) => {
        if (!(error instanceof EnrichdError) || error.kind !== 'setting') throw error
      })
    },
    async greet(timeoutMs, signal) {
      const options = { signal, requestTimeout: timeoutMs, ignore: notToldByThem }
      await request({ method: 'HEAD', path: '/' }, options)
    },
    async rewrite({ index, id, document }, timeoutMs, signal) {
      const how = opType === 'create' ? '_create' : '_doc'
      const path = `/${encodeURIComponent(index)}/${how}/${encodeURIComponent(id)}`
      const options = { signal, requestTimeout: timeoutMs }
      await request({ method: 'PUT', path, body: document.body }, options).catch((error: unknown) => {
        if (!(error instanceof EnrichdError) || noAnswer.has(error.code)) throw error
      })
    },
  }
}

/** Statuses of `HEAD /` that say nothing of a bulk: many users may not ask it, and some servers do not know it. */
const notToldByThem = [400, 403, 404, 405, 500, 501]

const noAnswer: ReadonlySet<string> = new Set(['INDEX_TIMEOUT', 'INDEX_UNREACHABLE'])

interface RequestOptions {
  readonly signal: AbortSignal
  readonly requestTimeout?: number
  /** Statuses that are no errors. */
  readonly ignore?: number[]
}

/** From this size on a body is put together as bytes. */
const largeBodyBytes = 1_048_576

/** NDJSON: an action and a document for each item. The documents are taken as they are, serialised once and before. */
function bulkBodyOf(items: readonly BulkItem[], opType: OpType): string | Buffer {
  const actionOf = actions(opType)
  let bytes = 0
  for (const { document } of items) bytes += document.bytes
  if (bytes >= largeBodyBytes) return largeBodyOf(items, items.map(actionOf))
  let body = ''
  for (const item of items) body += `${actionOf(item)}${item.document.body}\n`
  return body
}

/** The line before an item's document. Most items go where the one before went. */
function actions(opType: OpType): (item: BulkItem) => string {
  let last: string | undefined
  let beginning = ''
  return ({ index, id }) => {
    if (index !== last) beginning = `{"${opType}":{"_index":${JSON.stringify(index)},"_id":`
    last = index
    return `${beginning}${JSON.stringify(id)}}}\n`
  }
}

/** As one text, megabytes would be copied three times: put together, made flat, and turned into bytes. */
function largeBodyOf(items: readonly BulkItem[], actionLines: readonly string[]): Buffer {
  let bytes = 0
  for (const [position, { document }] of items.entries())
    bytes += Buffer.byteLength(actionLines[position] ?? '') + document.bytes + 1
  const body = Buffer.allocUnsafeSlow(bytes)
  let at = 0
  for (const [position, { document }] of items.entries()) {
    at += body.write(actionLines[position] ?? '', at)
    at += body.write(document.body, at)
    at += body.write('\n', at)
  }
  return body
}

/** Bytes that an item's action adds to its document. An upper bound for the names and ids that are usual. */
export const actionBytes = 400

/** Reads the answer to a bulk of `count` items. Throws `INDEX_BAD_ANSWER` or `INDEX_MISCONFIGURED` if it is none. */
function outcomesOf(answer: unknown, count: number, opType: OpType): readonly ItemOutcome[] {
  const items = typeof answer === 'object' && answer !== null && 'items' in answer ? answer.items : undefined
  if (!Array.isArray(items)) throw unusableAnswer(answer, 'the answer to a bulk has no items')
  if (items.length !== count) {
    throw unusableAnswer(answer, `the answer to a bulk of ${count} items has ${items.length}`)
  }
  return items.map((item: unknown) => outcomeOf(item, opType))
}

function outcomeOf(item: unknown, opType: OpType): ItemOutcome {
  const result = (item as Partial<Record<OpType, unknown>> | null)?.[opType]
  const { status, error } = (result ?? {}) as {
    status?: unknown
    error?: { type?: unknown; reason?: unknown }
  }
  if (typeof status !== 'number') throw unusableAnswer(item, 'an item in the answer to a bulk has no status')
  if (error === undefined && status >= 200 && status < 300) return 'indexed'
  const type = typeof error?.type === 'string' ? error.type : undefined
  if (opType === 'create' && type === 'version_conflict_engine_exception') return 'exists'
  return { status, type, reason: typeof error?.reason === 'string' ? error.reason : undefined }
}
