import type { EnrichedDocument } from '../delivery/document.js'
import { EnrichdError } from '../errors.js'

/** Names the index of a document: `name(document, topic)`. Throws `INDEX_NAME_INVALID` (the record's fault). */
export type IndexName = (document: EnrichedDocument, topic: string) => string

type Part = { readonly literal: string } | { readonly date: DatePart } | { readonly field: string } | 'topic'
type DatePart = 'yyyy' | 'MM' | 'dd' | 'HH'

const dateParts: readonly string[] = ['yyyy', 'MM', 'dd', 'HH'] satisfies DatePart[]
const maxNameBytes = 255
const hourMs = 3_600_000
/** One name is remembered per topic; more topics than this only cost the computing of names. */
const maxRememberedTopics = 1000

/**
 * Makes names from a template such as `enrichd-logs-{yyyy}-{MM}`.
 *
 * `{yyyy} {MM} {dd} {HH}` are of the document's `indexTimeMs` in UTC, `{topic}` is the record's topic, anything else in
 * braces a field of the record (`{service.name}`: nested or with that literal key). What comes from a record is made
 * lower-case, and every character outside `a-z 0-9 . _ + -` becomes `-`. A template that does not begin with fixed
 * text, or whose fixed text Elasticsearch would refuse, is a `RangeError`.
 *
 * Two documents of the same topic and hour share one computed name unless the template holds a record field.
 */
export function indexName(template: string): IndexName {
  const parts = parseTemplate(template)
  if (parts.some(isField)) return (document, topic) => fill(parts, document, topic)

  const remembered = new Map<string, { readonly hour: number; readonly name: string }>()
  return (document, topic) => {
    const hour = Math.floor(document.indexTimeMs / hourMs)
    const last = remembered.get(topic)
    if (last?.hour === hour) return last.name
    const name = fill(parts, document, topic)
    if (remembered.size >= maxRememberedTopics) remembered.clear()
    remembered.set(topic, { hour, name })
    return name
  }
}

/** Whether names made from the template need the record's own fields. */
export function namesTakeFields(template: string): boolean {
  return parseTemplate(template).some(isField)
}

function isField(part: Part): boolean {
  return typeof part === 'object' && 'field' in part
}

/** Why Elasticsearch would refuse an index of this name, or undefined where it would not. */
export function indexNameProblem(name: string): string | undefined {
  if (name === '') return 'is empty'
  if (name === '.' || name === '..') return 'is a directory'
  if (/^[-_+]/.test(name)) return 'begins with - _ or +'
  if (name !== name.toLowerCase()) return 'has upper-case letters'
  // eslint-disable-next-line no-control-regex
  if (/[\\/*?"<>| ,#:\u0000-\u001f\u007f]/.test(name))
    return 'has a character that Elasticsearch does not allow'
  if (Buffer.byteLength(name) > maxNameBytes) return `is longer than ${maxNameBytes} bytes`
  return undefined
}

function parseTemplate(template: string): readonly Part[] {
  const refuse = (why: string) => new RangeError(`index: the template ${JSON.stringify(template)} ${why}`)
  const parts = template
    .split(/(\{[^{}]*\})/)
    .filter((text) => text !== '')
    .map(parsePart)
  const first = parts[0]
  if (first === undefined) throw refuse('is empty')
  if (typeof first !== 'object' || !('literal' in first)) throw refuse('does not begin with fixed text')
  for (const part of parts) {
    if (typeof part !== 'object') continue
    if ('field' in part && part.field.trim() === '') throw refuse('has an empty pair of braces')
    if ('literal' in part && /[{}]/.test(part.literal)) throw refuse('has a brace without its partner')
  }
  const fixed = parts
    .map((part) => (typeof part === 'object' && 'literal' in part ? part.literal : '0'))
    .join('')
  const problem = indexNameProblem(fixed)
  if (problem !== undefined) throw refuse(problem)
  return parts
}

function parsePart(text: string): Part {
  if (!/^\{[^{}]*\}$/.test(text)) return { literal: text }
  const inner = text.slice(1, -1)
  if (inner === 'topic') return 'topic'
  return dateParts.includes(inner) ? { date: inner as DatePart } : { field: inner }
}

function fill(parts: readonly Part[], document: EnrichedDocument, topic: string): string {
  const date = new Date(document.indexTimeMs)
  let name = ''
  for (const part of parts) {
    if (part === 'topic') name += makeSafe(topic)
    else if ('literal' in part) name += part.literal
    else if ('date' in part) name += datePart(part.date, date)
    else name += fieldText(document.fields, part.field)
  }
  const problem = indexNameProblem(name)
  if (problem !== undefined) throw invalid(`the index name ${JSON.stringify(shorten(name))} ${problem}`)
  return name
}

function datePart(part: DatePart, date: Date): string {
  const year = date.getUTCFullYear()
  if (!(year >= 0 && year <= 9999)) throw invalid(`the record's time is outside the years 0 to 9999`)
  switch (part) {
    case 'yyyy':
      return String(year).padStart(4, '0')
    case 'MM':
      return String(date.getUTCMonth() + 1).padStart(2, '0')
    case 'dd':
      return String(date.getUTCDate()).padStart(2, '0')
    case 'HH':
      return String(date.getUTCHours()).padStart(2, '0')
  }
}

function fieldText(fields: EnrichedDocument['fields'], path: string): string {
  const value = Object.hasOwn(fields, path) ? fields[path] : nested(fields, path)
  if (typeof value === 'number' || typeof value === 'boolean') return makeSafe(String(value))
  if (typeof value === 'string' && value !== '') return makeSafe(value)
  throw invalid(
    `the record has no text in the field ${JSON.stringify(path)}, which the index name is made of`,
  )
}

function nested(fields: EnrichedDocument['fields'], path: string): unknown {
  let value: unknown = fields
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}

function makeSafe(text: string): string {
  // Cut first: a field of a megabyte need not be searched to its end to find that the name is too long.
  return text
    .slice(0, maxNameBytes + 1)
    .toLowerCase()
    .replace(/[^a-z0-9._+-]/g, '-')
}

function shorten(name: string): string {
  return name.length > 80 ? `${name.slice(0, 80)}…` : name
}

function invalid(message: string): EnrichdError {
  return new EnrichdError('INDEX_NAME_INVALID', message, { kind: 'record' })
}
