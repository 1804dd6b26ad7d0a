import { EnrichdError } from '../errors.js'

/** What becomes of texts on their way into a line. */
export interface TextRules {
  /** For every text: masks secrets. */
  readonly mask: (text: string) => string
  /** For the messages of errors, before `mask`: hides what users wrote. */
  readonly hide: (message: string) => string
}

/** A value as JSON holds it. */
export type Plain = string | number | boolean | null | Plain[] | { [key: string]: Plain }

const MAX_DEPTH = 8
const MAX_TEXT_CHARS = 1000
const MAX_READ_CHARS = 65_536
const MAX_ITEMS = 200
const MAX_KEYS = 50
const MAX_ERRORS = 5
const MAX_FRAMES = 8
/** The bound on one line: once so many characters are spent, texts, lists and objects are left out. */
const MAX_LINE_CHARS = 16_384
/** What a value counts for besides its text. */
const VALUE_CHARS = 8

/**
 * Fields of a log line as plain values: bounded in depth, width and size, secrets masked, errors with their whole story
 * (code, kind, message, where, and the chain of causes). Whatever it is given, it never throws and always ends.
 */
export function plainFields(
  fields: Readonly<Record<string, unknown>>,
  rules: TextRules,
): Record<string, Plain> {
  return new PlainWriter(rules).record(fields, 0)
}

class PlainWriter {
  readonly #rules: TextRules
  #charsLeft = MAX_LINE_CHARS

  constructor(rules: TextRules) {
    this.#rules = rules
  }

  record(fields: object, depth: number): Record<string, Plain> {
    const plain: Record<string, Plain> = {}
    for (const key of Object.keys(fields).slice(0, MAX_KEYS)) {
      const value = this.#value(read(fields, key), depth)
      if (value !== undefined) plain[this.#text(key)] = value
    }
    return plain
  }

  #value(value: unknown, depth: number): Plain | undefined {
    this.#charsLeft -= VALUE_CHARS
    switch (typeof value) {
      case 'string':
        return this.#text(value)
      case 'number':
        return Number.isFinite(value) ? value : String(value)
      case 'boolean':
        return value
      case 'bigint':
        return String(value)
      case 'object':
        return value === null ? null : this.#object(value, depth)
      default:
        return undefined
    }
  }

  #object(value: object, depth: number): Plain {
    if (depth >= MAX_DEPTH || this.#charsLeft <= 0) return '…'
    if (value instanceof Error) return this.#error(value, depth)
    if (ArrayBuffer.isView(value)) return `<${value.byteLength} bytes>`
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString()
    if (Array.isArray(value)) return this.#list(value, depth)
    return this.record(value, depth + 1)
  }

  #list(values: readonly unknown[], depth: number): Plain[] {
    const plain = values.slice(0, MAX_ITEMS).map((value) => this.#value(value, depth + 1) ?? null)
    return values.length > MAX_ITEMS ? [...plain, `… ${values.length - MAX_ITEMS} more`] : plain
  }

  #error(error: Error, depth: number): Plain {
    const story: Record<string, Plain> = {}
    for (const [key, value] of Object.entries(identityOf(error))) {
      const plain = this.#value(value, depth)
      if (plain !== undefined) story[key] = plain
    }
    story['message'] = this.#text(this.#rules.hide(textOf(error.message).slice(0, MAX_READ_CHARS)))
    if (isBug(error)) story['stack'] = this.#text(framesOf(error))
    if (error instanceof AggregateError) {
      const errors = error.errors as unknown[]
      story['errors'] = errors.slice(0, MAX_ERRORS).map((each) => this.#value(each, depth + 1) ?? null)
      if (errors.length > MAX_ERRORS) story['errorsLeftOut'] = errors.length - MAX_ERRORS
    }
    if (error.cause !== undefined) story['cause'] = this.#cause(error.cause, depth)
    return story
  }

  #cause(cause: unknown, depth: number): Plain {
    const plain = typeof cause === 'string' ? this.#rules.hide(cause) : cause
    return this.#value(plain, depth + 1) ?? null
  }

  #text(text: string): string {
    const masked = this.#rules.mask(text.length > MAX_READ_CHARS ? text.slice(0, MAX_READ_CHARS) : text)
    const room = Math.max(0, Math.min(MAX_TEXT_CHARS, this.#charsLeft))
    const cut = masked.length > room ? `${masked.slice(0, room)}…` : masked
    this.#charsLeft -= cut.length
    return cut
  }
}

/** What tells one error from another: ours by code, kind and place, those of others by the names that they use. */
function identityOf(error: Error): Record<string, unknown> {
  if (error instanceof EnrichdError) {
    const { code, kind, retryAfterMs, context } = error
    return { code, kind, ...context, retryAfterMs }
  }
  const identity: Record<string, unknown> = { name: textOf(error.name) }
  for (const key of ['code', 'type', 'statusCode', 'syscall', 'hostname', 'address', 'port']) {
    const value = read(error, key)
    if (typeof value === 'string' || typeof value === 'number') identity[key] = value
  }
  return identity
}

/** Errors that only a mistake of ours explains are told with the place in the code. */
function isBug(error: Error): boolean {
  if (error instanceof EnrichdError) return error.code === 'INTERNAL'
  return error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError
}

/** The stack without the message, which may span lines. */
function framesOf(error: Error): string {
  const lines = textOf(error.stack).split('\n')
  const frames = lines.map((line) => line.trim()).filter((line) => line.startsWith('at '))
  return frames.slice(0, MAX_FRAMES).join('\n')
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** A property that may be a getter that throws. */
function read(target: object, key: string): unknown {
  try {
    return (target as Record<string, unknown>)[key]
  } catch {
    return undefined
  }
}
