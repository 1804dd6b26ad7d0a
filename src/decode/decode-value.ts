import { isUtf8 } from 'node:buffer'
import type { Json, LogRecord } from '../delivery/log-record.js'
import { fieldLookup } from './field-lookup.js'
import type { FieldLookup } from './field-lookup.js'
import { parseJsonObject } from './parse-json.js'
import type { ParsedObject } from './parse-json.js'
import { parseLogfmt } from './parse-logfmt.js'
import { parseTime } from './parse-time.js'

export interface ValueOptions {
  /**
   * `json`: one JSON object. `logfmt`: one line of it. `text`: the whole value is the message, without one line end.
   * `auto` decides for each record: what begins like a JSON object is JSON, and wrong JSON if it cannot be parsed; what
   * begins with `key=`, is logfmt throughout and has a message field is logfmt; anything else is text.
   */
  readonly format: 'auto' | 'json' | 'text' | 'logfmt'
  /** The first that is there and not null is the message; numbers, objects and so on as their JSON text. */
  readonly messageFields: readonly string[]
  /** The first that holds a valid time is the record's time. */
  readonly timeFields: readonly string[]
  /** The first that holds a string or a number is the level. */
  readonly levelFields: readonly string[]
}

/**
 * Decodes one value. `undefined`: it has no message field. `timestampMs` is the record's Kafka timestamp, for dates without a year.
 *
 * @throws {Error} that says why the value cannot be decoded, without quoting it
 */
export type ValueDecoder = (value: Buffer, timestampMs: number) => LogRecord | undefined

export function valueDecoder(options: ValueOptions): ValueDecoder {
  const read = fieldReader(options)
  const { format } = options
  return (value, timestampMs) => {
    const text = utf8(value)
    switch (format === 'auto' ? likelyFormat(text) : format) {
      case 'json':
        return read(parseJsonObject(text), timestampMs)
      case 'logfmt':
        return format === 'auto'
          ? (readLikelyLogfmt(text, timestampMs, read) ?? textRecord(text))
          : read({ fields: parseLogfmt(text), raw: undefined }, timestampMs)
      case 'text':
        return textRecord(text)
    }
  }
}

function utf8(value: Buffer): string {
  if (!isUtf8(value)) throw new Error('it is not valid UTF-8')
  const text = value.toString('utf8')
  return text.startsWith('\ufeff') ? text.slice(1) : text
}

/** `{}` or `{"`: prose does not begin so. */
const jsonStart = /^\s*\{\s*["}]/
const logfmtStart = /^\s*[A-Za-z_@][\w@.-]*=/

/** By the first bytes only; most lines are told by their first letter. */
function likelyFormat(text: string): 'json' | 'logfmt' | 'text' {
  if (jsonStart.test(text)) return 'json'
  return logfmtStart.test(text) ? 'logfmt' : 'text'
}

/** A line of prose may begin with `key=`, too: it is taken for logfmt only if all of it is, pair by pair. */
function readLikelyLogfmt(text: string, timestampMs: number, read: FieldReader): LogRecord | undefined {
  try {
    const fields = parseLogfmt(text)
    return Object.values(fields).includes(true) ? undefined : read({ fields, raw: undefined }, timestampMs)
  } catch {
    return undefined
  }
}

function textRecord(text: string): LogRecord {
  return {
    fields: {},
    message: text.replace(/\r?\n$|\r$/, ''),
    timeMs: undefined,
    level: undefined,
    raw: undefined,
  }
}

type FieldReader = (parsed: ParsedObject, timestampMs: number) => LogRecord | undefined

function fieldReader(options: ValueOptions): FieldReader {
  const messageFields = options.messageFields.map(fieldLookup)
  const timeFields = options.timeFields.map(fieldLookup)
  const levelFields = options.levelFields.map(fieldLookup)
  return ({ fields, raw }, timestampMs) => {
    const message = findMessage(fields, messageFields)
    if (message === undefined) return undefined
    const timeMs = findTime(fields, timeFields, timestampMs)
    return { fields, message, timeMs, level: findLevel(fields, levelFields), raw }
  }
}

type Fields = LogRecord['fields']

function findMessage(fields: Fields, lookups: readonly FieldLookup[]): string | undefined {
  for (const lookup of lookups) {
    const value = lookup(fields)
    if (typeof value === 'string') return value
    if (value !== undefined && value !== null) return JSON.stringify(value)
  }
  return undefined
}

function findTime(fields: Fields, lookups: readonly FieldLookup[], timestampMs: number): number | undefined {
  for (const lookup of lookups) {
    const timeMs = parseTime(lookup(fields), timestampMs)
    if (timeMs !== undefined) return timeMs
  }
  return undefined
}

function findLevel(fields: Fields, lookups: readonly FieldLookup[]): string | number | undefined {
  for (const lookup of lookups) {
    const value: Json | undefined = lookup(fields)
    if (typeof value === 'string' || typeof value === 'number') return value
  }
  return undefined
}
