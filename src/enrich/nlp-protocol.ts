import type { Analysis } from './analysis.js'

/** One request, as a protocol words it. The client adds the service's address, the user's headers and the token. */
export interface NlpRequest {
  readonly method: string
  /** Path and query, beginning with `/`. */
  readonly path: string
  readonly contentType: string
  readonly body: string
}

/** An answer with a 2xx status, read to its end. */
export interface NlpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/**
 * How texts become a request and an answer becomes analyses. Pure: it holds no state and does no input or output.
 */
export interface NlpProtocol {
  /** As the document names the service: `enrichment.service`. */
  readonly name: string
  /** Texts that one request can carry at most, 1 or more. */
  readonly maxTexts: number
  /** Words one request for 1 to `maxTexts` texts. */
  request(texts: readonly string[]): NlpRequest
  /**
   * Reads the answer to `request(texts)`: one analysis per text, in the order of the texts.
   * @throws EnrichdError `NLP_BAD_ANSWER` if the answer is not of the agreed shape.
   */
  parse(answer: NlpAnswer, texts: readonly string[]): Analysis[]
}
