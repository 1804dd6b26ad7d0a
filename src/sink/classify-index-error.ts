import { errors } from '@elastic/elasticsearch'
import { EnrichdError, type ErrorCode, type FailureKind } from '../errors.js'
import { ourFields } from './our-fields.js'
import { retryAfterMs } from './retry-after.js'

/** What Elasticsearch says of one item of a bulk that failed. */
export interface ItemFailure {
  readonly status: number
  readonly type: string | undefined
  readonly reason: string | undefined
}

interface Verdict {
  readonly code: ErrorCode
  readonly kind: FailureKind
  /** What an operator should do about it, where that is known. */
  readonly advice?: string
}

const rejected: Verdict = { code: 'INDEX_REJECTED', kind: 'record' }
/** Our own field is of a type that the first document's value suggested: `entities.text` that looks like a date. */
const guessedMapping: Verdict = {
  ...rejected,
  advice:
    'the index does not have the types of the index template (`enrichd check` tells, `enrichd setup` makes it for new indices)',
}
const overloaded: Verdict = { code: 'INDEX_OVERLOADED', kind: 'outage' }
const unavailable: Verdict = { code: 'INDEX_UNAVAILABLE', kind: 'outage' }
const timedOut: Verdict = { code: 'INDEX_TIMEOUT', kind: 'outage' }
const tooLarge: Verdict = { code: 'INDEX_TOO_LARGE', kind: 'record' }
const unknownItem: Verdict = { code: 'INDEX_UNKNOWN_ITEM_ERROR', kind: 'suspect' }
const wrongSetting = (advice: string): Verdict => ({ code: 'INDEX_MISCONFIGURED', kind: 'setting', advice })
const blocked = (advice: string): Verdict => ({ ...unavailable, advice })

const credentials = 'check elasticsearch.apiKey, or username and password, and what they are allowed to do'
const address = 'check elasticsearch.nodes: what answers there does not behave like Elasticsearch'

/** Decided by the error's type. It stands for the same thing in an item and in the answer to a whole request. */
const byType: Readonly<Record<string, Verdict>> = {
  document_parsing_exception: rejected,
  mapper_parsing_exception: rejected,
  strict_dynamic_mapping_exception: rejected,
  invalid_index_name_exception: { code: 'INDEX_NAME_INVALID', kind: 'record' },

  es_rejected_execution_exception: overloaded,
  circuit_breaking_exception: overloaded,
  cluster_block_exception: blocked('lift the block on the index or cluster'),
  unavailable_shards_exception: unavailable,
  no_shard_available_action_exception: unavailable,
  primary_missing_action_exception: unavailable,
  master_not_discovered_exception: unavailable,
  node_closed_exception: unavailable,
  node_disconnected_exception: unavailable,
  node_not_connected_exception: unavailable,
  index_closed_exception: blocked('open the index'),
  process_cluster_event_timeout_exception: timedOut,
  timeout_exception: timedOut,
  receive_timeout_transport_exception: timedOut,

  security_exception: wrongSetting(credentials),
  index_not_found_exception: wrongSetting(
    'create the index, or allow its creation (action.auto_create_index), or check elasticsearch.index',
  ),
  routing_missing_exception: wrongSetting(
    'the mapping of the index wants a routing value, which enrichd never sends: take _routing.required out of it',
  ),
  media_type_header_exception: wrongSetting('the server is older than version 8'),
}

/** Types that stand for several things, told apart by the reason. The first match decides, and before `byType`. */
const byReason: readonly { readonly type: string; readonly reason: RegExp; readonly verdict: Verdict }[] = [
  {
    type: 'illegal_argument_exception',
    reason: /limit of (total|mapping|nested)? ?(fields|depth|field)/i,
    verdict: rejected,
  },
  {
    type: 'illegal_argument_exception',
    reason: /op_type of create/i,
    verdict: wrongSetting(
      'the name is a data stream: set elasticsearch.opType to create, or change elasticsearch.index',
    ),
  },
  {
    type: 'illegal_argument_exception',
    reason: /pipeline with id .* does not exist/i,
    verdict: wrongSetting(
      'create that pipeline, or change index.default_pipeline or .final_pipeline of the index',
    ),
  },
  {
    type: 'illegal_argument_exception',
    reason: /no write index is defined for alias/i,
    verdict: wrongSetting('set is_write_index on one of the indices of the alias'),
  },
  {
    type: 'cluster_block_exception',
    reason: /flood.stage|read.only.+allow.delete/i,
    verdict: blocked('free disk space, and Elasticsearch lifts the block'),
  },
  {
    type: 'validation_exception',
    reason: /shards? open|maximum .*shards/i,
    verdict: blocked('raise cluster.max_shards_per_node, add nodes, or delete indices'),
  },
]

/** Classifies one failed item of a bulk. Total: whatever is not known is `suspect`, or an outage from status 500 on. */
export function classifyItemError(failure: ItemFailure): EnrichdError {
  const verdict = typed(failure.type, failure.reason) ?? itemByStatus(failure.status)
  const what = [failure.type ?? 'error without a type', failure.reason && withoutValues(failure.reason)]
  return toError(verdict, `${what.filter(Boolean).join(': ')} (status ${failure.status})`)
}

/**
 * Classifies whatever a request ended with instead of a usable answer. Total. Kind `record` comes only with
 * `INDEX_TOO_LARGE`: the caller then splits the bulk, and only a single document that is too large is rejected.
 */
export function classifyRequestError(error: unknown): EnrichdError {
  if (error instanceof EnrichdError) return error
  if (error instanceof errors.ResponseError) return classifyResponse(error)
  if (error instanceof errors.TimeoutError) return toError(timedOut, error.message, { cause: error })
  if (error instanceof errors.ConnectionError) return classifyConnection(error)
  if (error instanceof errors.NoLivingConnectionsError) {
    return toError({ code: 'INDEX_UNREACHABLE', kind: 'outage' }, 'no node to connect to', { cause: error })
  }
  if (error instanceof errors.ProductNotSupportedError) {
    return toError(wrongSetting(address), 'the answer is not from Elasticsearch', { cause: error })
  }
  if (error instanceof errors.DeserializationError) {
    return toError({ code: 'INDEX_BAD_ANSWER', kind: 'outage' }, `the answer is not JSON: ${error.message}`, {
      cause: error,
    })
  }
  if (error instanceof errors.RequestAbortedError) {
    return toError({ code: 'INDEX_BAD_ANSWER', kind: 'outage' }, error.message, { cause: error })
  }
  if (error instanceof errors.ConfigurationError)
    return toError(wrongSetting('check elasticsearch.*'), error.message, { cause: error })
  return toError(
    { code: 'INTERNAL', kind: 'outage' },
    error instanceof Error ? error.message : String(error),
    { cause: error },
  )
}

/** A 2xx whose body is not the answer to a bulk: a proxy's page is a wrong setting, anything else a bad answer. */
export function unusableAnswer(body: unknown, why: string): EnrichdError {
  if (typeof body === 'string')
    return toError(wrongSetting(address), `the answer is not JSON but ${preview(body)}`)
  return toError({ code: 'INDEX_BAD_ANSWER', kind: 'outage' }, why)
}

function classifyResponse(error: errors.ResponseError): EnrichdError {
  const status = error.statusCode ?? 0
  const body: unknown = error.body
  const { type, reason } = errorOf(body)
  const verdict = requestByType(type, reason) ?? requestByStatus(status)
  const what =
    type === undefined
      ? `status ${status}${body === '' ? '' : `, ${preview(body)}`}`
      : `${type}: ${reason ?? ''} (status ${status})`
  return toError(verdict, what, { cause: error, retryAfterMs: retryAfterMs(error.headers ?? {}) })
}

/** A type that would be the record's fault in an item cannot be one record's in the answer to the whole bulk. */
function requestByType(type: string | undefined, reason: string | undefined): Verdict | undefined {
  const verdict = typed(type, reason)
  return verdict?.kind === 'record' ? undefined : verdict
}

function requestByStatus(status: number): Verdict {
  if (status === 413) return tooLarge
  if (status === 429 || status === 503) return overloaded
  if (status === 408 || status === 504) return timedOut
  if (status >= 500) return unavailable
  if (status === 401 || status === 403) return wrongSetting(credentials)
  if (status === 407) return wrongSetting('a proxy between here and Elasticsearch wants credentials')
  return wrongSetting(address)
}

function itemByStatus(status: number): Verdict {
  if (status === 413) return tooLarge
  if (status === 429 || status === 503) return overloaded
  if (status === 401 || status === 403) return wrongSetting(credentials)
  if (status === 504) return timedOut
  return status >= 500 ? unavailable : unknownItem
}

function typed(type: string | undefined, reason = ''): Verdict | undefined {
  if (type === undefined) return undefined
  if (byType[type] === rejected && isOurField(/field \[([^\]]+)\] of type/.exec(reason)?.[1]))
    return guessedMapping
  const told = byReason.find((row) => row.type === type && row.reason.test(reason))?.verdict
  return told ?? (Object.hasOwn(byType, type) ? byType[type] : undefined)
}

function isOurField(path: string | undefined): boolean {
  return ourFields.some((field) => field.path === path)
}

function classifyConnection(error: errors.ConnectionError): EnrichdError {
  // Node gives an empty message where every address of a name failed.
  const message = error.message === '' ? 'no connection' : error.message
  if (
    /certificate|self.signed|fingerprint|altname|unable to verify|wrong version number|ssl routines/i.test(
      message,
    )
  ) {
    return toError(wrongSetting('check elasticsearch.tls.* and the scheme in elasticsearch.nodes'), message, {
      cause: error,
    })
  }
  return toError({ code: 'INDEX_UNREACHABLE', kind: 'outage' }, message, { cause: error })
}

function errorOf(body: unknown): { type: string | undefined; reason: string | undefined } {
  const error: unknown = typeof body === 'object' && body !== null && 'error' in body ? body.error : undefined
  if (typeof error === 'string') return { type: undefined, reason: error }
  if (typeof error !== 'object' || error === null) return { type: undefined, reason: undefined }
  const { type, reason } = error as { type?: unknown; reason?: unknown }
  return {
    type: typeof type === 'string' ? type : undefined,
    reason: typeof reason === 'string' ? reason : undefined,
  }
}

function toError(
  verdict: Verdict,
  what: string,
  origin: { cause?: unknown; retryAfterMs?: number | undefined } = {},
) {
  const { code, kind, advice } = verdict
  const message = advice === undefined ? shorten(what) : `${shorten(what)}; ${advice}`
  return new EnrichdError(code, message, {
    kind,
    retryAfterMs: origin.retryAfterMs,
    cause: slim(origin.cause),
  })
}

/** The client's errors hold the whole bulk and the headers with the credentials: neither may reach memory or a log. */
function slim(cause: unknown): unknown {
  if (!(cause instanceof errors.ElasticsearchClientError)) return cause
  const slimmed = new Error(shorten(cause.message))
  slimmed.name = cause.name
  return slimmed
}

/** Elasticsearch quotes the value that did not fit. It is the record's text, which has no place in a log. */
function withoutValues(reason: string): string {
  return reason
    .replace(/Preview of field's value: '[^]*'/, "Preview of field's value: (left out)")
    .replace(/For input string: "[^]*"/, 'For input string: (left out)')
}

function preview(body: unknown): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body ?? null)
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text)
}

function shorten(text: string): string {
  return text.length > 1000 ? `${text.slice(0, 1000)}…` : text
}
