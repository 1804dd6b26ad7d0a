/** JSON Schema, as far as the settings need it. */
export interface JsonSchema {
  readonly [keyword: string]: unknown
}

/** A value was taken, or what was expected instead. */
export type Accepted<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly expected: string }

/**
 * What the values of a setting look like: how they are written, checked, described and shown. Formats are strict: nothing
 * is rounded, trimmed to a range or guessed.
 */
export interface Format<T> {
  /** Completes "expected …". */
  readonly expected: string
  readonly jsonSchema: JsonSchema
  /** From the text of a variable or of `--set` to the value as a file would hold it. Returns what it cannot read as it is. */
  readonly parse: (text: string) => unknown
  /** Checks a value as a file holds it. Never throws. */
  readonly accept: (raw: unknown) => Accepted<T>
  /** How the value is printed; without it as JSON. */
  readonly show?: (value: unknown) => string
}

/** The value is taken. */
export function taken<T>(value: T): Accepted<T> {
  return { ok: true, value }
}

/** The value is not taken; `expected` completes "expected …". */
export function refused(expected: string): { ok: false; expected: string } {
  return { ok: false, expected }
}

/** Spells out a range, one open side allowed. */
function rangeText(min: number, max: number): string {
  return `from ${min} to ${max}`
}

function numberOf(text: string): unknown {
  return /^[+-]?(\d+(\.\d+)?|\.\d+)$/.test(text.trim()) ? Number(text) : text
}

/** A whole number within a range, both ends included. */
export function integer(min: number, max: number): Format<number> {
  const expected = `a whole number ${rangeText(min, max)}`
  return {
    expected,
    jsonSchema: { type: 'integer', minimum: min, maximum: max },
    parse: numberOf,
    accept: (raw) =>
      typeof raw === 'number' && Number.isInteger(raw) && raw >= min && raw <= max
        ? taken(raw)
        : refused(expected),
  }
}

/** A duration in whole milliseconds. */
export function milliseconds(min: number, max: number): Format<number> {
  const format = integer(min, max)
  const expected = `milliseconds, a whole number ${rangeText(min, max)}`
  return {
    ...format,
    expected,
    accept: (raw) => (format.accept(raw).ok ? format.accept(raw) : refused(expected)),
  }
}

/** A number within a range, both ends included; fractions are allowed. */
export function decimal(min: number, max: number): Format<number> {
  const expected = `a number ${rangeText(min, max)}`
  return {
    expected,
    jsonSchema: { type: 'number', minimum: min, maximum: max },
    parse: numberOf,
    accept: (raw) => (typeof raw === 'number' && raw >= min && raw <= max ? taken(raw) : refused(expected)),
  }
}

const unitBytes: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }
const sizePattern = /^(\d{1,12})(KiB|MiB|GiB)$/

/** A size in bytes: a whole number, or text with one of the units KiB, MiB, GiB. */
export function bytes(min: number, max: number): Format<number> {
  const expected = `bytes, a whole number ${rangeText(min, max)}, or one with KiB, MiB or GiB behind it`
  const sizeOf = (raw: unknown): unknown => {
    const match = typeof raw === 'string' ? sizePattern.exec(raw) : null
    return match === null ? raw : Number(match[1]) * (unitBytes[match[2] ?? ''] ?? 1)
  }
  return {
    expected,
    jsonSchema: {
      oneOf: [
        { type: 'integer', minimum: min, maximum: max },
        { type: 'string', pattern: sizePattern.source },
      ],
    },
    parse: numberOf,
    accept: (raw) => {
      const accepted = integer(min, max).accept(sizeOf(raw))
      return accepted.ok ? accepted : refused(expected)
    },
  }
}

/** `true` or `false` and nothing else. */
export function boolean(): Format<boolean> {
  const expected = 'true or false'
  return {
    expected,
    jsonSchema: { type: 'boolean' },
    parse: (text) => (text === 'true' ? true : text === 'false' ? false : text),
    accept: (raw) => (typeof raw === 'boolean' ? taken(raw) : refused(expected)),
  }
}

/** One of the names given. */
export function choice<const T extends string>(...names: readonly T[]): Format<T> {
  const expected = `${names.slice(0, -1).join(', ')} or ${names.at(-1) ?? ''}`
  return {
    expected,
    jsonSchema: { enum: names },
    parse: (text) => text,
    accept: (raw) => {
      const name = names.find((candidate) => candidate === raw)
      return name === undefined ? refused(expected) : taken(name)
    },
  }
}

export interface TextRule {
  readonly expected: string
  /** The whole value must match. */
  readonly pattern?: RegExp
  /** Returns what was expected instead, or `undefined` where the value is fine. */
  readonly objection?: (value: string) => string | undefined
  readonly show?: (value: unknown) => string
}

/** Text of at least one character, within the rule. */
export function text({ expected, pattern = /./s, objection, show }: TextRule): Format<string> {
  return {
    expected,
    jsonSchema: { type: 'string', pattern: pattern.source },
    parse: (raw) => raw,
    accept: (raw) => {
      if (typeof raw !== 'string' || !pattern.test(raw)) return refused(expected)
      const objected = objection?.(raw)
      return objected === undefined ? taken(raw) : refused(objected)
    },
    ...(show && { show }),
  }
}

function itemsOf(text: string): unknown {
  if (text.trim() === '') return []
  if (!/^\s*\[\s*"/.test(text)) return text.split(',').map((item) => item.trim())
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

/** A list; in a variable comma-separated, or a JSON array where an item holds a comma. `minItems` 0 or 1. */
export function list(item: Format<string>, minItems: 0 | 1 = 1): Format<readonly string[]> {
  const expected = `a list${minItems === 0 ? ' (may be empty)' : ''}, each item ${item.expected}`
  return {
    expected,
    jsonSchema: { type: 'array', items: item.jsonSchema, minItems },
    parse: itemsOf,
    accept: (raw) => {
      if (!Array.isArray(raw) || raw.length < minItems) return refused(expected)
      const items: string[] = []
      for (const [position, element] of raw.entries()) {
        const accepted = item.accept(element)
        if (!accepted.ok) return refused(`item ${position + 1} of the list to be ${accepted.expected}`)
        items.push(accepted.value)
      }
      return taken(items)
    },
    ...(item.show && { show: showItems(item.show) }),
  }
}

function showItems(show: (value: unknown) => string): (value: unknown) => string {
  return (value) => (Array.isArray(value) ? `[${value.map(show).join(', ')}]` : show(value))
}
