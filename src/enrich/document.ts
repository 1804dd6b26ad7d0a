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
  const body = merge(ours, addedJson(record, enrichment, ours), log)
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

/** What we add, as far as a record's own fields may stand in its way. */
interface OurFields {
  /** A field of the record may equal these: it stays then, and ours is left out. */
  readonly texts: { readonly '@timestamp': string; readonly message: string; readonly severity: string }
  readonly traceId: string | undefined
  readonly origin: 'kafka' | 'file'
}

function ourFields(record: SourceRecord, log: LogRecord, { enrichment, timeMs }: Findings): OurFields {
  const severity = enrichment.severity ?? severityOfLevel(log.level)
  return {
    texts: { '@timestamp': isoTime(timeMs), message: log.message, severity },
    traceId: traceId(record),
    origin: record.origin,
  }
}

interface Findings {
  readonly enrichment: Enrichment
  readonly timeMs: number
}

function remembered(make: (of: string) => string): (of: string) => string {
  let last: string | undefined
  let made = ''
  return (of) => {
    if (of !== last) made = make(of)
    last = of
    return made
  }
}

const filePath = remembered((path) => JSON.stringify(path))

function originJson(record: SourceRecord): string {
  const { origin, topic, partition, offset, key } = record
  if (origin === 'file') return `"file":{"path":${filePath(topic)},"line":${offset}}`
  const keyJson = key === null ? 'null' : JSON.stringify(keyText(key))
  return `${kafkaUntilOffset(topic, partition)}${offset},"key":${keyJson}}`
}

/** By topic, and there by partition: text that is put together of fewer pieces is less garbage. */
const untilOffset = new Map<string, string[]>()
/** Topics by a pattern may come and go. */
const mostTopics = 1000

function kafkaUntilOffset(topic: string, partition: number): string {
  let ofTopic = untilOffset.get(topic)
  if (ofTopic === undefined) {
    if (untilOffset.size === mostTopics) untilOffset.clear()
    untilOffset.set(topic, (ofTopic = []))
  }
  return (ofTopic[partition] ??=
    `"kafka":{"topic":${JSON.stringify(topic)},"partition":${partition},"offset":`)
}

function keyText(key: Buffer): string {
  return isUtf8(key) ? key.toString('utf8') : `base64:${key.toString('base64')}`
}

const afterStatus = remembered((service) => `","service":${JSON.stringify(service)},"attempts":`)

function enrichmentJson(enrichment: Enrichment): string {
  const { status, service, attempts, truncated } = enrichment
  const durationMs = Math.round(enrichment.durationMs)
  const end = truncated ? ',"truncated":true}' : '}'
  return `{"status":"${status}${afterStatus(service)}${attempts},"durationMs":${durationMs}${end}`
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

/** The fields that are always ours, as JSON members. */
function addedJson(record: SourceRecord, enrichment: Enrichment, { traceId }: OurFields): string {
  const trace = traceId === undefined ? '' : `,"trace":{"id":"${traceId}"}`
  const entities = JSON.stringify(enrichment.entities)
  return `"entities":${entities},${originJson(record)},"enrichment":${enrichmentJson(enrichment)}${trace}`
}

type TextName = keyof OurFields['texts']

/** How a field of the record stands to ours: `free` and `same` stay where they are, `collides` moves to `original`. */
type Standing = 'free' | 'same' | 'collides'

function merge(ours: OurFields, added: string, log: LogRecord): string {
  const { texts } = ours
  let time = `"@timestamp":"${texts['@timestamp']}",`
  let message = true
  let severity = `"severity":"${texts.severity}",`
  let colliding = false
  for (const name of Object.keys(log.fields)) {
    const standing = standingOf(name, log.fields[name], ours)
    if (standing === 'free') continue
    if (standing === 'collides') colliding = true
    else if (name === 'message') message = false
    else if (name === 'severity') severity = ''
    else time = ''
  }
  const text = message ? `"message":${JSON.stringify(texts.message)},` : ''
  return `{${time}${text}${severity}${added}${colliding ? dividedFields(log, ours) : untouchedFields(log)}}`
}

function untouchedFields({ fields, raw }: LogRecord): string {
  const own = (raw ?? JSON.stringify(fields)).slice(1, -1).trim()
  return own === '' ? '' : ',' + own
}

/** Those that collide under `original`, the others as they are. */
function dividedFields(log: LogRecord, ours: OurFields): string {
  const { chosen, others } = divideMembers(
    log,
    (name) => standingOf(name, log.fields[name], ours) === 'collides',
  )
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
      return ours.traceId !== undefined || !fitsObject(dot, value) ? 'collides' : 'free'
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
