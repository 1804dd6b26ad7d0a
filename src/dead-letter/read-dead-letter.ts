import { chargedBytes } from '../delivery/charged-bytes.js'
import {
  rejectionReasons,
  type RecordHeaders,
  type RejectionReason,
  type SourceRecord,
} from '../delivery/delivery.js'
import { coordinatesId, deadLetterHeaders, type DeadLetter } from './dead-letter.js'

/** A dead letter read back: the record as it was before it was rejected, and what is known of its rejection. */
export interface ReturnedLetter {
  /** Its original coordinates, time and id, so that it lands on the same document; without headers of ours. */
  readonly record: SourceRecord
  readonly reason: RejectionReason
  /** Attempts so far, all replays included. */
  readonly attempts: number
  /** How often it was replayed and rejected again. */
  readonly replays: number
  /** Only the beginning of its value is here; so many bytes it had. */
  readonly truncatedFromBytes: number | undefined
}

/** A record that came back is nobody's to take away. */
const lease = new AbortController().signal

/** Undefined where it is no dead letter of ours. */
export function readDeadLetter({ key, value, headers }: DeadLetter): ReturnedLetter | undefined {
  const names = deadLetterHeaders
  const [topic, reason] = [textOf(headers, names.topic), reasonOf(headers)]
  const [partition, offset] = [names.partition, names.offset].map((name) => numberOf(headers, name))
  const timestampMs = timestampOf(headers)
  if (topic === undefined || reason === undefined) return undefined
  if (partition === undefined || offset === undefined || timestampMs === undefined) return undefined
  const id = textOf(headers, names.id)
  const own = withoutOurs(headers)
  const coordinates = { topic, partition, offset, timestampMs }
  return {
    record: {
      id: id ?? coordinatesId(coordinates),
      ...coordinates,
      key,
      value,
      headers: own,
      bytes: chargedBytes(bytesOf(key, value, own)),
      // A file's id is its path and the line.
      origin: id === undefined || id.startsWith(`${topic}-${partition}-${offset}-`) ? 'kafka' : 'file',
      lease,
    },
    reason,
    attempts: numberOf(headers, names.attempts) ?? 0,
    replays: numberOf(headers, names.replays) ?? 0,
    truncatedFromBytes: numberOf(headers, names.truncated),
  }
}

/** The letter with its whole value, found by its coordinates. */
export function completed(
  letter: ReturnedLetter,
  { key, value }: Pick<DeadLetter, 'key' | 'value'>,
): ReturnedLetter {
  const bytes = bytesOf(key, value, letter.record.headers)
  return { ...letter, record: { ...letter.record, key, value, bytes }, truncatedFromBytes: undefined }
}

function reasonOf(headers: RecordHeaders): RejectionReason | undefined {
  const text = textOf(headers, deadLetterHeaders.reason)
  return rejectionReasons.find((reason) => reason === text)
}

const ours: ReadonlySet<string> = new Set(Object.values(deadLetterHeaders))

function withoutOurs(headers: RecordHeaders): RecordHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !ours.has(name)))
}

function textOf(headers: RecordHeaders, name: string): string | undefined {
  const value = headers[name]
  if (value === undefined || typeof value === 'string') return value
  return Buffer.isBuffer(value) ? value.toString() : value.at(-1)?.toString()
}

function numberOf(headers: RecordHeaders, name: string): number | undefined {
  const text = textOf(headers, name)
  if (text === undefined || !/^-?\d{1,16}$/.test(text)) return undefined
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : undefined
}

/** 64 bits, of which a number holds 53: the rest stands in the id. */
function timestampOf(headers: RecordHeaders): number | undefined {
  const text = textOf(headers, deadLetterHeaders.timestamp)
  return text === undefined || !/^-?\d{1,19}$/.test(text) ? undefined : Number(text)
}

function bytesOf(key: Buffer | null, value: Buffer | null, headers: RecordHeaders): number {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0)
  for (const [name, each] of Object.entries(headers))
    for (const one of [each].flat()) bytes += name.length + (one?.length ?? 0)
  return bytes
}
