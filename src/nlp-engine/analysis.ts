/** What the engine says of one text. The same shape that the enrich stage takes, declared here because neither imports the other. */
export interface Analysis {
  /** Sorted by `start`, never overlapping. */
  readonly entities: readonly Entity[]
  readonly severity: Severity
}

/** Something found in a text: `text === source.slice(start, end)`, in UTF-16 units. */
export interface Entity {
  readonly text: string
  readonly type: EntityType
  readonly start: number
  readonly end: number
}

export type Severity = 'low' | 'medium' | 'high' | 'critical'

/** Every type the engine can find; the last three only with `people`. */
export const entityTypes = [
  'ip',
  'port',
  'host',
  'url',
  'path',
  'email',
  'identifier',
  'error-code',
  'exception',
  'http-status',
  'cloud-region',
  'size',
  'duration',
  'timestamp',
  'date',
  'time',
  'money',
  'percent',
  'person',
  'place',
  'organisation',
] as const

export type EntityType = (typeof entityTypes)[number]

/** A part of a text, before it is known whether it stays. */
export interface Span {
  readonly type: EntityType
  readonly start: number
  readonly end: number
}
