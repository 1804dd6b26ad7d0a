import { indexName } from '../../sink/index-name.js'

/** More names than this are not looked at one by one. */
const MOST = 5

/** Index names that records of these topics would go to now; what a record's own field decides is `sample`. */
export function sampleIndexNames(template: string, topics: readonly string[]): readonly string[] {
  const name = indexName(template)
  const nowMs = Date.now()
  const fields = Object.fromEntries(
    [...template.matchAll(/\{([^{}]+)\}/g)].map((match) => [match[1] ?? '', 'sample']),
  )
  const document = { body: '{}', bytes: 2, timeMs: nowMs, indexTimeMs: nowMs, fields }
  const from = topics.length === 0 ? ['sample'] : topics
  return [...new Set(from.map((topic) => name(document, topic)))].slice(0, MOST)
}
