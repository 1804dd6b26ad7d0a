import { badAnswer, checkAnalysis, checkResults, isObject, parseAnswer } from '../check-analysis.js'
import type { NlpProtocol } from '../nlp-protocol.js'

export interface EnrichdProtocolOptions {
  /** Path and query of the service. */
  readonly path: string
}

/**
 * The protocol of the reference service: `{"text"}` → `{"entities", "severity"}`; for several texts
 * `{"texts"}` → `{"results"}`. Offsets are UTF-16 units.
 */
export function enrichdProtocol({ path }: EnrichdProtocolOptions): NlpProtocol {
  return {
    name: 'enrichd',
    maxTexts: 1024,
    request(texts) {
      const body = texts.length === 1 ? `{"text":${JSON.stringify(texts[0])}}` : JSON.stringify({ texts })
      return { method: 'POST', path, contentType: 'application/json', body }
    },
    parse(answer, texts) {
      const value = parseAnswer(answer.body)
      const [only] = texts
      if (texts.length === 1 && only !== undefined) return [checkAnalysis(value, only)]
      if (!isObject(value)) throw badAnswer('it is not an object')
      return checkResults(value['results'], texts)
    },
  }
}
