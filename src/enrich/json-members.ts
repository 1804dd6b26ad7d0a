import type { LogRecord } from '../delivery/log-record.js'

/** Members of an object as they stand in JSON, `"name":value`, with commas between them; empty where there is none. */
export interface DividedMembers {
  readonly chosen: string
  readonly others: string
}

/**
 * Divides the record's own fields, as JSON text, by their names: as they came where the record still has its text, else
 * serialised again.
 */
export function divideMembers({ fields, raw }: LogRecord, choose: (name: string) => boolean): DividedMembers {
  const json = raw ?? JSON.stringify(fields)
  let chosen = ''
  let others = ''
  // Others that stand side by side are taken in one piece.
  let from = -1
  let to = -1
  let at = json.indexOf('"')
  while (at > 0) {
    const nameEnd = endOfString(json, at)
    const end = endOfValue(json, json.indexOf(':', nameEnd) + 1)
    if (choose(nameIn(json, at, nameEnd))) {
      chosen = joined(chosen, json.slice(at, end))
      if (from >= 0) others = joined(others, json.slice(from, to))
      from = -1
    } else {
      if (from < 0) from = at
      to = end
    }
    at = json.indexOf('"', end)
  }
  if (from >= 0) others = joined(others, json.slice(from, to))
  return { chosen, others }
}

function joined(members: string, more: string): string {
  return members === '' ? more : `${members},${more}`
}

/** Only a name with a backslash in it has to be parsed. */
function nameIn(json: string, start: number, end: number): string {
  const name = json.slice(start + 1, end)
  return name.includes('\\') ? (JSON.parse(`"${name}"`) as string) : name
}

const code = {
  quote: 34,
  comma: 44,
  openBracket: 91,
  backslash: 92,
  closeBracket: 93,
  openBrace: 123,
  closeBrace: 125,
}

/** The comma after the value, or the brace that ends the object it stands in. */
function endOfValue(json: string, start: number): number {
  let depth = 0
  for (let at = start; at < json.length; at++) {
    switch (json.charCodeAt(at)) {
      case code.quote:
        at = endOfString(json, at)
        break
      case code.openBrace:
      case code.openBracket:
        depth++
        break
      case code.closeBrace:
      case code.closeBracket:
        if (depth-- === 0) return at
        break
      case code.comma:
        if (depth === 0) return at
    }
  }
  return json.length
}

/** The next quote with an even number of backslashes before it. */
function endOfString(json: string, start: number): number {
  let end = start
  let backslashes: number
  do {
    end = json.indexOf('"', end + 1)
    if (end < 0) return json.length
    backslashes = 0
    while (json.charCodeAt(end - 1 - backslashes) === code.backslash) backslashes++
  } while (backslashes % 2 === 1)
  return end
}
