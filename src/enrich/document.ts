import { isUtf8 } from 'node:buffer'
import type { InFlight, SourceRecord } from '../delivery/delivery.js'
import type { EnrichedDocument } from '../delivery/document.js'
import type { LogRecord } from '../delivery/log-record.js'
import type { Enrichment } from './analysis.js'
import { isoTime } from './iso-time.js'
import { divideMembers } from './json-members.js'
import { severityOfLevel } from './severity-of-level.js'

export interface DocumentOptions {
  /** A record time that is further than this before the Kafka timestamp does not choose the index; 0: no bound. */
  readonly indexTimePastMs: number
  /** A record time that is further than this after the Kafka timestamp does not choose the index. */
  readonly indexTimeFutureMs: number
  /** Whether the document keeps the record's fields, which an index name may be built from. They hold its text a second time. Default true. */
  readonly keepFields?: boolean
}

const noFields = {}

/**
 * Builds the document of one record: its own fields as they came, and ours beside them. It never throws, whatever the
 * record holds, and the same record always gives the same document but for what the service said of it.
 *
 * A field of the record whose name, up to its first dot, is one of ours is kept under `original`, unless it is the same
 * value. `trace` and `kafka`, where this document has none, stay if they are objects, which the mapping can hold.
 */
export function buildDocument(
  { record, value: log }: InFlight<LogRecord>,
  enrichment: Enrichment,
  options: DocumentOptions,
): EnrichedDocument {
  const kafkaTimeMs = validTime(record.timestampMs)
  const timeMs = validTime(log.timeMs) ?? kafkaTimeMs ?? 0
  const ours = ourFields(record, log, { enrichment, timeMs })
  const body = merge(ours, log)
  return {
    body,
    bytes: Buffer.byteLength(body),
    timeMs,
    indexTimeMs: indexTime(timeMs, kafkaTimeMs, options),
    fields: options.keepFields === false ? noFields : log.fields,
  }
}

const latestMs = 253_402_300_799_999

/** Producers may write any 64 bits as Kafka's timestamp: only 1970 to 9999 counts as a time. */
function validTime(timeMs: number | undefined): number | undefined {
  return timeMs !== undefined && timeMs >= 0 && timeMs <= latestMs ? Math.floor(timeMs) : undefined
}

function indexTime(timeMs: number, kafkaTimeMs: number | undefined, options: DocumentOptions): number {
  if (kafkaTimeMs === undefined) return timeMs
  const tooOld = options.indexTimePastMs > 0 && timeMs < kafkaTimeMs - options.indexTimePastMs
  const tooNew = timeMs > kafkaTimeMs + options.indexTimeFutureMs
  return tooOld || tooNew ? kafkaTimeMs : timeMs
}

/** What we add: `texts` are those that a record's own field may equal, `objects` are JSON texts that are always ours. */
interface OurFields {
  readonly texts: { readonly '@timestamp': string; readonly message: string; readonly severity: string }
  readonly objects: string
  readonly traced: boolean
  readonly origin: 'kafka' | 'file'
}

interface Findings {
  readonly enrichment: Enrichment
  readonly timeMs: number
}

function ourFields(record: SourceRecord, log: LogRecord, { enrichment, timeMs }: Findings): OurFields {
  const severity = enrichment.severity ?? severityOfLevel(log.level)
  const entities = JSON.stringify(enrichment.entities)
  const trace = traceId(record)
  let objects = `"entities":${entities},${originJson(record)},"enrichment":${enrichmentJson(enrichment)}`
  if (trace !== undefined) objects += `,"trace":{"id":"${trace}"}`
  return {
    texts: { '@timestamp': isoTime(timeMs), message: log.message, severity },
    objects,
    traced: trace !== undefined,
    origin: record.origin,
  }
}

/** The topic as JSON text: nearly always that of the record before. */
const topicJson = remembered((topic: string) => JSON.stringify(topic))
const serviceJson = remembered((service: string) => JSON.stringify(service))

function remembered<T>(make: (of: T) => string): (of: T) => string {
  let last: T | undefined
  let made = ''
  return (of) => {
    if (of !== last) {
      made = make(of)
      last = of
    }
    return made
  }
}

function originJson(record: SourceRecord): string {
  const { origin, topic, partition, offset, key } = record
  if (origin === 'file') return `"file":{"path":${topicJson(topic)},"line":${offset}}`
  const keyJson = key === null ? 'null' : JSON.stringify(keyText(key))
  return `"kafka":{"topic":${topicJson(topic)},"partition":${partition},"offset":${offset},"key":${keyJson}}`
}

function keyText(key: Buffer): string {
  return isUtf8(key) ? key.toString('utf8') : `base64:${key.toString('base64')}`
}

function enrichmentJson(enrichment: Enrichment): string {
  const { status, service, attempts, truncated } = enrichment
  const durationMs = Math.round(enrichment.durationMs)
  const cut = truncated ? ',"truncated":true' : ''
  return `{"status":"${status}","service":${serviceJson(service)},"attempts":${attempts},"durationMs":${durationMs}${cut}}`
}

/** W3C Trace Context: version, trace id, parent id, flags; a later version than 00 may add more behind them. */
const traceparent = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-[\da-f]{2}(-.*)?$/
const zeros = /^0+$/

function traceId(record: SourceRecord): string | undefined {
  const header = record.headers['traceparent']
  const first = typeof header === 'string' || Buffer.isBuffer(header) ? header : header?.[0]
  const match = first === undefined ? null : traceparent.exec(first.toString())
  if (match === null) return undefined
  const [, version, id = '', parentId = '', more] = match
  const wellFormed = version !== 'ff' && (version !== '00' || more === undefined)
  return wellFormed && !zeros.test(id) && !zeros.test(parentId) ? id : undefined
}

type TextName = keyof OurFields['texts']

/** How a field of the record stands to ours: `free` and `same` stay where they are, `collides` moves to `original`. */
type Standing = 'free' | 'same' | 'collides'

function merge(ours: OurFields, log: LogRecord): string {
  const { texts, objects } = ours
  let time = `"@timestamp":"${texts['@timestamp']}",`
  let message = true
  let severity = `"severity":"${texts.severity}",`
  let colliding: Set<string> | undefined
  for (const name of Object.keys(log.fields)) {
    const standing = standingOf(name, log.fields[name], ours)
    if (standing === 'free') continue
    if (standing === 'collides') (colliding ??= new Set()).add(name)
    else if (name === 'message') message = false
    else if (name === 'severity') severity = ''
    else time = ''
  }
  const text = message ? `"message":${JSON.stringify(texts.message)},` : ''
  return `{${time}${text}${severity}${objects}${colliding === undefined ? untouchedFields(log) : dividedFields(log, colliding)}}`
}

function untouchedFields({ fields, raw }: LogRecord): string {
  const own = (raw ?? JSON.stringify(fields)).slice(1, -1).trim()
  return own === '' ? '' : ',' + own
}

/** Those that collide under `original`, the others as they are. */
function dividedFields(log: LogRecord, colliding: ReadonlySet<string>): string {
  const { chosen, others } = divideMembers(log, (name) => colliding.has(name))
  return `,"original":{${chosen}}${others === '' ? '' : ','}${others}`
}

function standingOf(name: string, value: unknown, ours: OurFields): Standing {
  const dot = name.indexOf('.')
  switch (dot < 0 ? name : name.slice(0, dot)) {
    case '@timestamp':
    case 'message':
    case 'severity':
      return dot < 0 && value === ours.texts[name as TextName] ? 'same' : 'collides'
    case 'entities':
    case 'enrichment':
    case 'original':
      return 'collides'
    case 'trace':
      return ours.traced || !fitsObject(dot, value) ? 'collides' : 'free'
    case 'kafka':
      return ours.origin === 'kafka' || !fitsObject(dot, value) ? 'collides' : 'free'
    case 'file':
      return ours.origin === 'file' ? 'collides' : 'free'
    default:
      return 'free'
  }
}

/** `trace.id`, or `trace` that is an object, can stand in an index where other documents have our `trace`. */
function fitsObject(dot: number, value: unknown): boolean {
  return dot >= 0 || (typeof value === 'object' && !Array.isArray(value))
}
