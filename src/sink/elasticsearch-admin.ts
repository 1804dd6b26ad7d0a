import { EnrichdError } from '../errors.js'
import { classifyItemError, classifyRequestError } from './classify-index-error.js'
import type { ElasticsearchClient } from './elasticsearch-client.js'
import type { OpType } from './bulk-request.js'

/** What stands behind a name now. */
export type NameKind = 'index' | 'alias' | 'data stream'

export interface IndexView {
  /** As `GET /NAME` gives it; of an alias, that of its first index. */
  readonly mappings: Readonly<Record<string, unknown>>
  readonly ignoreMalformed: boolean
}

/** An index template as far as it decides what a new name becomes. */
export interface TemplateView {
  readonly name: string
  readonly patterns: readonly string[]
  readonly priority: number
  readonly dataStream: boolean
  readonly body: Readonly<Record<string, unknown>>
}

/** `index` may also be a pattern. */
export type Privileges = ReadonlyMap<string, boolean>

/**
 * What `check` and `setup` ask of Elasticsearch beside the bulk. Only `createTemplate` changes anything.
 *
 * Every method throws EnrichdError, classified like a bulk's. A question that the server does not know, or that this user
 * may not ask, is answered by undefined.
 */
export class ElasticsearchAdmin {
  readonly #client: ElasticsearchClient

  constructor(client: ElasticsearchClient) {
    this.#client = client
  }

  /** The user that the credentials stand for; undefined where security is off. @throws a setting where they are refused */
  async user(): Promise<string | undefined> {
    const { status, body } = await this.#request('GET', '/_security/_authenticate')
    if (status === 401 || status === 403) throw refused(status)
    const { username } = asObject(body)
    if (status < 300 && typeof username === 'string') return username
    // Not a server with security; is it one at all?
    await this.#request('GET', '/_cluster/health?filter_path=status', { mustSucceed: true })
    return undefined
  }

  /** Which of the privileges this user has on the index. */
  async privileges(index: string, wanted: readonly string[]): Promise<Privileges | undefined> {
    const body = { index: [{ names: [index], privileges: wanted }] }
    const answer = await this.#request('POST', '/_security/user/_has_privileges', { body })
    const granted = asObject(asObject(asObject(answer.body)['index'])[index])
    if (answer.status >= 300) return undefined
    return new Map(wanted.map((name) => [name, granted[name] === true]))
  }

  /** What the name is now; undefined where it is free. */
  async kind(name: string): Promise<NameKind | undefined> {
    const { status, body } = await this.#request('GET', `/_resolve/index/${encodeURIComponent(name)}`)
    if (status >= 300) return undefined
    const { indices, aliases, data_streams: streams } = asObject(body)
    if (asArray(streams).length > 0) return 'data stream'
    if (asArray(aliases).length > 0) return 'alias'
    return asArray(indices).length > 0 ? 'index' : undefined
  }

  /** The mapping of what is there. */
  async view(name: string): Promise<IndexView | undefined> {
    const { status, body } = await this.#request('GET', `/${encodeURIComponent(name)}?flat_settings=true`)
    const [first] = Object.values(asObject(body))
    return status < 300 && first !== undefined ? toView(first) : undefined
  }

  /** The mapping that an index of this name would begin with. */
  async simulate(name: string): Promise<IndexView | undefined> {
    const path = `/_index_template/_simulate_index/${encodeURIComponent(name)}`
    const { status, body } = await this.#request('POST', path)
    return status < 300 ? toView(asObject(body)['template']) : undefined
  }

  async templates(): Promise<readonly TemplateView[] | undefined> {
    const { status, body } = await this.#request('GET', '/_index_template')
    return status < 300 ? asArray(asObject(body)['index_templates']).map(toTemplate) : undefined
  }

  /** The setting `action.auto_create_index`. */
  async autoCreateIndex(): Promise<string | undefined> {
    const path =
      '/_cluster/settings?include_defaults=true&flat_settings=true&filter_path=*.action.auto_create_index'
    const { status, body } = await this.#request('GET', path)
    if (status >= 300) return undefined
    const { transient, persistent, defaults } = asObject(body)
    for (const level of [transient, persistent, defaults]) {
      const value = asObject(level)['action.auto_create_index']
      if (typeof value === 'string') return value
    }
    return undefined
  }

  /**
   * Tries a write that changes nothing: an update of a document that is not there. The index must be there, and be no
   * data stream.
   *
   * @throws what a bulk would meet
   */
  async tryWrite(index: string): Promise<void> {
    const bulkBody = `${JSON.stringify({ update: { _index: index, _id: 'enrichd-check' } })}\n{"doc":{}}\n`
    const { body } = await this.#request('POST', '/_bulk', { bulkBody, mustSucceed: true })
    const item = asObject(asObject(asArray(asObject(body)['items'])[0])['update'])
    const { type, reason } = asObject(item['error'])
    if (type === 'document_missing_exception' || item['error'] === undefined) return
    throw classifyItemError({ status: Number(item['status']), type: text(type), reason: text(reason) })
  }

  /**
   * Makes a template; never replaces one.
   *
   * @returns undefined once it is made, else why it was refused (a 400), whole: the part that matters stands deep in it
   */
  async createTemplate(name: string, body: Readonly<Record<string, unknown>>): Promise<string | undefined> {
    const path = `/_index_template/${encodeURIComponent(name)}?create=true`
    const answer = await this.#request('PUT', path, { body, mustSucceed: true, ignore: [400] })
    return answer.status < 300 ? undefined : reasons(answer.body).join(': ')
  }

  async close(): Promise<void> {
    await this.#client.close()
  }

  async #request(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const { body, bulkBody, mustSucceed = false } = options
    const { ignore = mustSucceed ? [] : answersOfItsOwn } = options
    try {
      const params = { method, path, ...(body && { body }), ...(bulkBody !== undefined && { bulkBody }) }
      const answer = await this.#client.transport.request(params, { meta: true, ignore })
      return { status: answer.statusCode, body: answer.body }
    } catch (error) {
      throw classifyRequestError(error)
    }
  }
}

/** How an index of a data stream or a write that is not `create` ends. */
export function writePrivileges(opType: OpType): readonly string[] {
  // `index` alone has not allowed new fields in a mapping since version 8.
  return [opType === 'create' ? 'create_doc' : 'index', 'auto_configure']
}

/** Refused, or not known to this server: an answer, where an error would end the check. */
const answersOfItsOwn = [400, 401, 403, 404, 405, 500]

interface RequestOptions {
  readonly body?: Readonly<Record<string, unknown>>
  readonly bulkBody?: string
  /** Default false: 4xx and 500 are answers too. */
  readonly mustSucceed?: boolean
  /** Statuses that are answers, in place of these. */
  readonly ignore?: number[]
}

interface Answer {
  readonly status: number
  readonly body: unknown
}

function refused(status: number): EnrichdError {
  const message =
    status === 401
      ? 'the credentials are refused (401); correct elasticsearch.apiKey, or username and password'
      : 'the credentials are not allowed to do anything (403); give this user or key a role'
  return new EnrichdError('INDEX_MISCONFIGURED', message, { kind: 'setting' })
}

/** The reason of an error and those of its causes. */
function reasons(body: unknown): string[] {
  const found: string[] = []
  for (let each = asObject(body)['error']; each !== undefined && found.length < 8;) {
    const { reason, caused_by: cause } = asObject(each)
    if (typeof reason === 'string' && !found.includes(reason)) found.push(reason)
    each = cause
  }
  return found
}

function toView(value: unknown): IndexView {
  const { mappings, settings } = asObject(value)
  const flag =
    asObject(settings)['index.mapping.ignore_malformed'] ??
    asObject(asObject(asObject(settings)['index'])['mapping'])['ignore_malformed']
  return { mappings: asObject(mappings), ignoreMalformed: String(flag) === 'true' }
}

function toTemplate(value: unknown): TemplateView {
  const { name, index_template: body } = asObject(value)
  const { index_patterns: patterns, priority, data_stream: dataStream } = asObject(body)
  return {
    name: String(name),
    patterns: (Array.isArray(patterns) ? patterns : [patterns]).map(String),
    priority: typeof priority === 'number' ? priority : 0,
    dataStream: dataStream !== undefined && dataStream !== null,
    body: asObject(body),
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
