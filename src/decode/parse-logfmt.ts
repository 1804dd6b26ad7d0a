import { endOfString } from './end-of-string.js'

/**
 * Parses one line of logfmt (`level=info msg="a text" retry`), by the grammar of go-logfmt: pairs between spaces, a bare
 * key is `true`, a value is a bare word or stands in double quotes with JSON's escapes. Values stay strings, as they
 * came (`007` is no number); of a repeated key the last counts. Two liberties: a bare value may hold `=` (`q=a=b`), an
 * unknown escape (`\d`) stays as it is. Linear time.
 *
 * Written here because the npm packages for it (logfmt 1.4, @jclem/logfmt2 2.4) take any text for logfmt, do not undo
 * `\n`, and assign to `__proto__`.
 *
 * @throws {Error} without quoting the line: a quote that is not closed or stands within a bare word, a value without key.
 */
export function parseLogfmt(line: string): Record<string, string | boolean> {
  const fields: Record<string, string | boolean> = {}
  let at = skip(space, line, 0)
  while (at < line.length) {
    const keyEnd = skip(word, line, at)
    if (keyEnd === at) throw wrongAt(at)
    const { value, end } = readValue(line, keyEnd)
    setOwn(fields, line.slice(at, keyEnd), value)
    at = skip(space, line, end)
    if (at === end && at < line.length) throw wrongAt(at)
  }
  return fields
}

/** What follows a key: nothing, `="quoted"` or `=bare`. */
function readValue(line: string, keyEnd: number): { value: string | boolean; end: number } {
  if (line[keyEnd] !== '=') return { value: true, end: keyEnd }
  const start = keyEnd + 1
  if (line[start] !== '"') {
    const end = skip(bareValue, line, start)
    return { value: line.slice(start, end), end }
  }
  const quote = endOfString(line, start)
  if (quote < 0) throw wrongAt(start)
  return { value: unescape(line.slice(start + 1, quote)), end: quote + 1 }
}

const word = /[^\s="]*/y
const bareValue = /[^\s"]*/y
const space = /\s*/y

/** Where the run of characters of that kind, which may be empty, ends. */
function skip(kind: RegExp, line: string, from: number): number {
  kind.lastIndex = from
  kind.test(line)
  return kind.lastIndex
}

function wrongAt(at: number): Error {
  return new Error(`it is not logfmt: wrong at character ${at}`)
}

/** `fields.__proto__ = …` would set the prototype; as an own property it is a field like any other. */
function setOwn(fields: Record<string, string | boolean>, key: string, value: string | boolean): void {
  if (key === '__proto__') {
    Object.defineProperty(fields, key, { value, enumerable: true, configurable: true, writable: true })
  } else {
    fields[key] = value
  }
}

const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  '"': '"',
  '\\': '\\',
  '/': '/',
}

function unescape(quoted: string): string {
  if (!quoted.includes('\\')) return quoted
  return quoted.replace(/\\(?:u([\da-fA-F]{4})|([^]))/g, (all, hex?: string, letter?: string) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
    return letter === undefined ? all : (escapes[letter] ?? all)
  })
}
