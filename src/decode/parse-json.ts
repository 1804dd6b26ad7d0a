import type { Json } from '../delivery/log-record.js'
import { endOfString } from './end-of-string.js'

/** The deepest nesting of objects and arrays that is taken: what Elasticsearch's own JSON parser takes. */
const maxDepth = 1000

export interface ParsedObject {
  readonly fields: { [key: string]: Json }
  /** The text in one line; `undefined` where a name stands twice in one object, which Elasticsearch refuses. */
  readonly raw: string | undefined
}

/**
 * Parses the text of one JSON object.
 *
 * @throws {Error} with a message that says what is wrong without quoting the text: not JSON, not an object, or nested
 *   deeper than 1000 levels.
 */
export function parseJsonObject(text: string): ParsedObject {
  const value = parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`it is JSON, but ${nameOf(value)} and not an object`)
  }
  const { members, depth } = survey(text)
  if (depth > maxDepth) throw new Error(`it is nested deeper than ${maxDepth} levels`)
  const repeats = members !== countMembers(value)
  return { fields: value, raw: repeats ? undefined : oneLine(text) }
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch (error) {
    // eslint-disable-next-line preserve-caught-error -- the cause quotes the record, whose text belongs in no log
    throw new Error(`it is not valid JSON: ${withoutQuotation((error as Error).message)}`)
  }
}

/** The parser quotes what it read: of its message only the place is kept. */
function withoutQuotation(message: string): string {
  const place = /at position (\d+)/.exec(message)
  if (place?.[1] !== undefined) return `wrong at character ${place[1]}`
  return message.startsWith('Unexpected end') ? 'it ends too early' : 'wrong near its beginning'
}

function nameOf(value: Json): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`
}

const code = { quote: 34, colon: 58, openBracket: 91, closeBracket: 93, openBrace: 123, closeBrace: 125 }

/** Counts what JSON.parse does not tell: members as they stand in the text, repeated ones too, and the nesting. */
function survey(json: string): { members: number; depth: number } {
  let members = 0
  let depth = 0
  let deepest = 0
  for (let at = 0; at < json.length; at++) {
    switch (json.charCodeAt(at)) {
      case code.quote:
        at = endOfString(json, at)
        break
      case code.colon:
        members++
        break
      case code.openBrace:
      case code.openBracket:
        if (++depth > deepest) deepest = depth
        break
      case code.closeBrace:
      case code.closeBracket:
        depth--
    }
  }
  return { members, depth: deepest }
}

/** Members of an object and of all that it holds. Recursion is safe: the depth was checked before. */
function countMembers(value: { [key: string]: Json } | Json[]): number {
  const values = Object.values(value)
  let count = Array.isArray(value) ? 0 : values.length
  for (const inner of values) {
    if (typeof inner === 'object' && inner !== null) count += countMembers(inner)
  }
  return count
}

/** In valid JSON a line break can only stand between tokens, where a space says the same. */
function oneLine(json: string): string {
  const trimmed = json.trim()
  const broken = trimmed.includes('\n') || trimmed.includes('\r')
  return broken ? trimmed.replace(/[\r\n]+/g, ' ') : trimmed
}
