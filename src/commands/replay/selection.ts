import type { ReturnedLetter } from '../../dead-letter/read-dead-letter.js'
import { rejectionReasons } from '../../delivery/delivery.js'
import type { OptionValues } from '../command.js'
import { UsageError } from '../usage-error.js'

/** Which dead letters are meant. */
export interface Selection {
  readonly topics: readonly string[]
  /** Those that were brought back before, too. */
  readonly again: boolean
  readonly dryRun: boolean
  /** In words, for the log. */
  readonly words: string
  selects(letter: ReturnedLetter): boolean
}

/** Reads the options of `replay`. @throws UsageError */
export function selectionOf(options: OptionValues): Selection {
  const reasons = texts(options['reason'])
  const topics = texts(options['topic'])
  const records = texts(options['record'])
  for (const reason of reasons)
    if (!(rejectionReasons as readonly string[]).includes(reason))
      throw new UsageError(`--reason is one of ${rejectionReasons.join(', ')}`)
  for (const record of records)
    if (!/.-\d+$/.test(record))
      throw new UsageError(
        '--record takes topic-partition-offset, such as logs-0-1234, or the id of a document',
      )
  const [from, to] = [timeOf(options, 'from'), timeOf(options, 'to')]
  if (from !== undefined && to !== undefined && from >= to) throw new UsageError('--from must be before --to')
  return {
    topics,
    again: options['again'] === true,
    dryRun: options['dry-run'] === true,
    words: wordsOf({ reason: reasons, topic: topics, record: records, from: isoOf(from), to: isoOf(to) }),
    selects: ({ reason, record }) =>
      among(reasons, reason) &&
      among(topics, record.topic) &&
      (records.length === 0 || namesOf(record).some((name) => records.includes(name))) &&
      (from === undefined || record.timestampMs >= from) &&
      (to === undefined || record.timestampMs < to),
  }
}

function among(wanted: readonly string[], found: string): boolean {
  return wanted.length === 0 || wanted.includes(found)
}

/** `topic-partition-offset`, and the id of its document. */
function namesOf({ topic, partition, offset, id }: ReturnedLetter['record']): readonly string[] {
  return [`${topic}-${partition}-${offset}`, id]
}

function texts(value: OptionValues[string]): readonly string[] {
  return Array.isArray(value) ? value.map(String) : []
}

const isoTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/

/** ISO 8601, in UTC where it names no zone; or milliseconds since 1970. */
function timeOf(options: OptionValues, name: string): number | undefined {
  const text = options[name]
  if (typeof text !== 'string') return undefined
  if (/^\d{12,14}$/.test(text)) return Number(text)
  const inUtc = /T/.test(text) && !/(Z|[+-]\d\d:?\d\d)$/.test(text) ? `${text}Z` : text
  const timeMs = isoTime.test(text) ? Date.parse(inUtc) : NaN
  if (Number.isNaN(timeMs))
    throw new UsageError(`--${name} takes a time such as 2026-03-01T08:00:00Z, or milliseconds since 1970`)
  return timeMs
}

function isoOf(timeMs: number | undefined): readonly string[] {
  return timeMs === undefined ? [] : [new Date(timeMs).toISOString()]
}

function wordsOf(by: Readonly<Record<string, readonly string[]>>): string {
  const parts = Object.entries(by)
    .filter(([, values]) => values.length > 0)
    .map(([name, values]) => `${name} ${values.join(' or ')}`)
  return parts.length === 0 ? 'all' : parts.join(', ')
}
