import type { RecordHeaders, Rejected, SourceRecord } from '../delivery/delivery.js'
import { inFull } from '../errors.js'

/** A dead letter as it is written: the original key, value and headers, and ours beside them. */
export interface DeadLetter {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: RecordHeaders
}

/** What is kept of a record that is too large for the dead letter topic. */
export const TRUNCATED_VALUE_BYTES = 64 * 1024
const MAX_ERROR_CHARACTERS = 1000

/** Names of our headers; fixed by the contract. */
export const deadLetterHeaders = {
  topic: 'enrichd-topic',
  partition: 'enrichd-partition',
  offset: 'enrichd-offset',
  timestamp: 'enrichd-timestamp',
  stage: 'enrichd-stage',
  reason: 'enrichd-reason',
  error: 'enrichd-error',
  attempts: 'enrichd-attempts',
  truncated: 'enrichd-truncated',
  /** The document's id, for records whose coordinates do not give it: those of files and of stdin, and timestamps beyond 2^53. */
  id: 'enrichd-id',
  /** How often it came back from the dead letters and was rejected again. */
  replays: 'enrichd-replays',
} as const

/** The original bytes untouched, with the record's coordinates and the reason. A header of ours wins over one that came. */
export function toDeadLetter({ record, stage, reason, error, attempts }: Rejected): DeadLetter {
  const names = deadLetterHeaders
  return {
    key: record.key,
    value: record.value,
    headers: {
      ...record.headers,
      [names.topic]: record.topic,
      [names.partition]: String(record.partition),
      [names.offset]: String(record.offset),
      [names.timestamp]: String(record.timestampMs),
      [names.stage]: stage,
      [names.reason]: reason,
      [names.error]: inFull(error).slice(0, MAX_ERROR_CHARACTERS),
      [names.attempts]: String(attempts),
      ...(record.id !== coordinatesId(record) && { [names.id]: record.id }),
    },
  }
}

type Coordinates = Pick<SourceRecord, 'topic' | 'partition' | 'offset' | 'timestampMs'>

/** The id of a record from Kafka, as far as a number can hold its timestamp. */
export function coordinatesId({ topic, partition, offset, timestampMs }: Coordinates): string {
  return `${topic}-${partition}-${offset}-${timestampMs}`
}

/** The same with the first 64 KiB of its value, marked; its coordinates find the rest. */
export function truncate(letter: DeadLetter): DeadLetter {
  return {
    key: letter.key?.subarray(0, TRUNCATED_VALUE_BYTES) ?? null,
    value: letter.value?.subarray(0, TRUNCATED_VALUE_BYTES) ?? null,
    headers: { ...letter.headers, [deadLetterHeaders.truncated]: String(letter.value?.length ?? 0) },
  }
}

/** What remains where even that is too large: our headers. Its own name the fault's place no better than its coordinates do. */
export function withoutOwnHeaders({ headers, ...letter }: DeadLetter): DeadLetter {
  return {
    ...letter,
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => ours.has(name))),
  }
}

const ours: ReadonlySet<string> = new Set(Object.values(deadLetterHeaders))

/** The dead letter topic of a topic, by the setting `deadLetter.topic`. */
export function deadLetterTopicOf(topic: string, setting: string): string {
  return setting.replaceAll('{topic}', topic)
}
