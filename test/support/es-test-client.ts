/** A document as the index holds it. */
export interface StoredDocument<Source = Record<string, unknown>> {
  readonly _index: string
  readonly _id: string
  readonly _source: Source
}

interface SearchAnswer<Source> {
  readonly _scroll_id: string
  readonly hits: { readonly hits: StoredDocument<Source>[] }
}

/** Elasticsearch as tests see it: what is in an index now. Names may hold `*`; what does not exist counts as empty. */
export class EsTestClient {
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  /** How many documents a search would find, after a refresh. None in an index that is just being made: it has no shard to ask yet. */
  async count(index: string): Promise<number> {
    await this.refresh(index)
    try {
      const answer = await this.request<{ count: number }>('GET', `/${index}/_count?${lenient}`)
      return answer.count
    } catch (error) {
      if (String(error).includes('no_shard_available_action_exception')) return 0
      throw error
    }
  }

  /** Every document, after a refresh, in no particular order. */
  async documents<Source = Record<string, unknown>>(index: string): Promise<StoredDocument<Source>[]> {
    await this.refresh(index)
    const documents: StoredDocument<Source>[] = []
    const first = `/${index}/_search?scroll=1m&size=5000&sort=_doc&${lenient}`
    let page = await this.request<SearchAnswer<Source>>('GET', first)
    while (page.hits.hits.length > 0) {
      documents.push(...page.hits.hits)
      page = await this.request('POST', '/_search/scroll', { scroll: '1m', scroll_id: page._scroll_id })
    }
    await this.request('DELETE', '/_search/scroll', { scroll_id: page._scroll_id })
    return documents
  }

  /** Makes what was written so far visible to searches. */
  async refresh(index: string): Promise<void> {
    await this.request('POST', `/${index}/_refresh?${lenient}`)
  }

  /** The names of the indices that match, sorted. */
  async indices(pattern: string): Promise<string[]> {
    const rows = await this.request<{ index: string }[]>(
      'GET',
      `/_cat/indices/${pattern}?format=json&h=index`,
    )
    return rows.map(({ index }) => index).sort()
  }

  async createIndex(index: string, body: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await this.request('PUT', `/${index}`, body)
  }

  /** Deletes every index that matches. */
  async deleteIndex(pattern: string): Promise<void> {
    const names = await this.indices(pattern)
    for (let at = 0; at < names.length; at += 50) {
      await this.request('DELETE', `/${names.slice(at, at + 50).join(',')}?${lenient}`)
    }
  }

  /**
   * Any request, its body as JSON or, if a string, as it is (NDJSON for `/_bulk`).
   *
   * @throws Error with the answer, if its status is not 2xx
   */
  async request<Answer = unknown>(method: string, path: string, body?: object | string): Promise<Answer> {
    const text = typeof body === 'object' ? JSON.stringify(body) : body
    const type = typeof body === 'string' ? 'application/x-ndjson' : 'application/json'
    const response = await fetch(`${this.#url}${path}`, {
      method,
      ...(text === undefined ? {} : { body: text, headers: { 'content-type': type } }),
    })
    const answer = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer}`)
    return JSON.parse(answer) as Answer
  }
}

const lenient = 'ignore_unavailable=true&allow_no_indices=true'
