import type { Severity } from '../delivery/log-record.js'
import { EnrichdError } from '../errors.js'
import type { Analysis, Entity } from './analysis.js'

const severities: ReadonlyMap<unknown, Severity> = new Map(
  (['low', 'medium', 'high', 'critical'] as const).map((severity) => [severity, severity]),
)

/** An answer that is not of the agreed shape. `detail` says what is wrong, without quoting the text. */
export function badAnswer(detail: string, cause?: unknown): EnrichdError {
  return new EnrichdError(
    'NLP_BAD_ANSWER',
    `the NLP service's answer is not of the agreed shape: ${detail}`,
    {
      kind: 'suspect',
      cause,
    },
  )
}

/** @throws EnrichdError `NLP_BAD_ANSWER` */
export function parseAnswer(body: string): unknown {
  try {
    return JSON.parse(body) as unknown
  } catch (error) {
    throw badAnswer(body === '' ? 'it is empty' : 'it is not JSON', error)
  }
}

/** `null` and nothing mean that the service has no opinion; upper case is taken. */
export function checkSeverity(value: unknown): Severity | undefined {
  if (value === undefined || value === null) return undefined
  const severity =
    severities.get(value) ?? (typeof value === 'string' ? severities.get(value.toLowerCase()) : undefined)
  if (severity === undefined) throw badAnswer('severity is none of low, medium, high, critical')
  return severity
}

/** An analysis without `severity` where there is none, as `exactOptionalPropertyTypes` wants it. */
export function toAnalysis(entities: readonly Entity[], severity: Severity | undefined): Analysis {
  return severity === undefined ? { entities } : { entities, severity }
}

/** The parts of one entity as an answer gave them, not yet believed. */
export interface RawEntity {
  readonly text: unknown
  readonly type: unknown
  readonly start: unknown
  readonly end: unknown
  readonly score: unknown
}

/**
 * One entity, every part checked: `type` is a string that is not empty; `start` and `end` are UTF-16 offsets inside
 * `source`, both or neither; a missing `text` is cut from `source`. Parts that are `null` count as missing.
 * @throws EnrichdError `NLP_BAD_ANSWER`
 */
export function checkEntity(raw: RawEntity, source: string): Entity {
  const { type } = raw
  if (typeof type !== 'string' || type === '') throw badAnswer('an entity has no type')
  const start = offset(raw.start, source)
  const end = offset(raw.end, source)
  const text = raw.text ?? undefined
  if (text !== undefined && typeof text !== 'string') throw badAnswer("an entity's text is not a string")
  const entity: { -readonly [K in keyof Entity]: Entity[K] } = { text: text ?? '', type }
  if (start !== undefined && end !== undefined) {
    if (start > end) throw badAnswer('an entity ends before it starts')
    entity.text = text ?? source.slice(start, end)
    entity.start = start
    entity.end = end
  } else if (text === undefined) {
    throw badAnswer('an entity has neither text nor offsets')
  } else if (start !== end) {
    throw badAnswer('an entity has only one of start and end')
  }
  const score = raw.score ?? undefined
  if (score !== undefined) entity.score = checkScore(score)
  return entity
}

function offset(value: unknown, source: string): number | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number' || !Number.isInteger(value)) throw badAnswer('an offset is not an integer')
  if (value < 0 || value > source.length) {
    throw badAnswer(`an entity's offset ${value} lies outside the text of ${source.length} UTF-16 units`)
  }
  return value
}

function checkScore(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw badAnswer("an entity's score is not a number")
  return value
}

/** Whether `value` is an object, and neither `null` nor an array. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Checks `{entities, severity}` as the protocol `enrichd` has it, and as adapters hand it back. */
export function checkAnalysis(value: unknown, source: string): Analysis {
  if (!isObject(value)) throw badAnswer('an analysis is not an object')
  const { entities } = value
  if (!Array.isArray(entities)) throw badAnswer('entities is not an array')
  const checked: Entity[] = []
  for (const entity of entities) {
    if (!isObject(entity)) throw badAnswer('an entity is not an object')
    checked.push(checkEntity(entity as unknown as RawEntity, source))
  }
  return toAnalysis(checked, checkSeverity(value['severity']))
}

/** One analysis for each text. */
export function checkResults(value: unknown, texts: readonly string[]): Analysis[] {
  if (!Array.isArray(value)) throw badAnswer('there is no array of results')
  if (value.length !== texts.length) {
    throw badAnswer(`${value.length} results for ${texts.length} texts`)
  }
  return texts.map((text, index) => checkAnalysis(value[index], text))
}
