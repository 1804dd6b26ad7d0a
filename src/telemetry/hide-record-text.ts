import type { SourceRecord } from '../delivery/delivery.js'

const HIDDEN = '[text]'
/** As much of a record as an NLP service is sent by default; only so much of it can come back in an answer. */
const MAX_RECORD_BYTES = 16_384
const MIN_OVERLAP = 12

/** Where other programs quote what they could not read. */
const quotes: readonly (readonly [RegExp, string])[] = [
  [/(?:\.\.\.)?"[^]*"(?:\.\.\.)? is not valid JSON/, `${HIDDEN} is not valid JSON`],
  [/Preview of field's value: '[^]*'/, `Preview of field's value: ${HIDDEN}`],
  [/For input string: "[^]*"/, `For input string: ${HIDDEN}`],
  [/failed to parse date field \[[^\]]*\]/, `failed to parse date field ${HIDDEN}`],
]

/**
 * A function that takes a record's own words out of an error's message, for logs must not carry what users wrote: any
 * 12 characters in a row that the record's values contain too become `[text]`, and so does what the errors of
 * `JSON.parse` and Elasticsearch are known to quote. Names of fields stay. Without a record only the latter.
 */
export function hideRecordText(record?: SourceRecord): (message: string) => string {
  let recordText: string | undefined
  return (message) => {
    const unquoted = quotes.reduce((text, [pattern, hidden]) => text.replace(pattern, hidden), message)
    if (record === undefined) return unquoted
    recordText ??= textOf(record)
    return withoutOverlap(unquoted, recordText)
  }
}

function withoutOverlap(message: string, recordText: string): string {
  let rest = ''
  let at = 0
  while (at < message.length) {
    const end = overlapEnd(message, at, recordText)
    rest += end > at ? HIDDEN : message.charAt(at)
    at = Math.max(end, at + 1)
  }
  return rest
}

function overlapEnd(message: string, at: number, recordText: string): number {
  let end = at + MIN_OVERLAP
  if (end > message.length || !recordText.includes(message.slice(at, end))) return at
  while (end < message.length && recordText.includes(message.slice(at, end + 1))) end++
  return end
}

/** The values of a record: of JSON the strings in it, else the whole text. */
function textOf(record: SourceRecord): string {
  const text = record.value?.subarray(0, MAX_RECORD_BYTES).toString('utf8') ?? ''
  try {
    return stringsIn(JSON.parse(text)).join('\0')
  } catch {
    return text
  }
}

function stringsIn(json: unknown): string[] {
  const strings: string[] = []
  const open = [json]
  while (open.length > 0) {
    const value = open.pop()
    if (typeof value === 'string') strings.push(value)
    else if (typeof value === 'object' && value !== null) open.push(...(Object.values(value) as unknown[]))
  }
  return strings
}
