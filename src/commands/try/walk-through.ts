import type { Config } from '../../config/schema.js'
import { recordDecoder } from '../../decode/decode.js'
import type { Delivery, InFlight, SourceRecord } from '../../delivery/delivery.js'
import type { EnrichedDocument } from '../../delivery/document.js'
import type { LogRecord } from '../../delivery/log-record.js'
import { analyseOnce, type Analyser } from '../../enrich/analyser.js'
import type { Analysis, Enrichment } from '../../enrich/analysis.js'
import { cutText } from '../../enrich/cut-text.js'
import { buildDocument } from '../../enrich/document.js'
import { EnrichdError, type FailureKind } from '../../errors.js'
import { indexName } from '../../sink/index-name.js'
import { isPattern } from '../../source/resolve-topics.js'
import { inWords } from '../finding.js'

/** Tells of one stage, in lines. */
export type Print = (stage: string, lines: readonly string[]) => void

export interface WalkThroughOptions {
  readonly config: Config
  readonly analyser: Analyser
  readonly print: Print
}

/**
 * One record through decode, the NLP service and the document, by the same functions as in the daemon, each stage told as it
 * ends. One call, no retry; nothing is written.
 *
 * @returns whether there is a document in the end, or a policy drops the record
 */
export async function walkThrough(value: Buffer, options: WalkThroughOptions): Promise<boolean> {
  const { config, print } = options
  const record = toRecord(value, config)
  const at = new Date(record.timestampMs).toISOString()
  print('record', [`${value.length} bytes, as if from ${record.topic}, partition 0, offset 0, at ${at}`])
  const decoded = recordDecoder(config.decode)(record)
  print('decode', decodedLines(decoded))
  if (decoded.status !== 'in-flight') return decoded.status === 'dropped'
  const enrichment = await enrichmentOf(decoded, options)
  if (enrichment === undefined) return false
  const { indexTimePastMs, indexTimeFutureMs } = config.elasticsearch
  const document = buildDocument(decoded, enrichment, { indexTimePastMs, indexTimeFutureMs })
  print('document', JSON.stringify(JSON.parse(document.body), null, 2).split('\n'))
  return printAction(record, document, options)
}

function toRecord(value: Buffer, { source, kafka }: Config): SourceRecord {
  const kafkaTopic = kafka.topics.find((topic) => !isPattern(topic)) ?? 'try'
  const topic = source.type === 'kafka' ? kafkaTopic : (source.path ?? 'stdin')
  const timestampMs = Date.now()
  return {
    id: source.type === 'kafka' ? `${topic}-0-0-${timestampMs}` : `${topic}-0`,
    topic,
    partition: 0,
    offset: 0,
    timestampMs,
    key: null,
    // As from a console producer: an empty line is an empty value, never a tombstone.
    value,
    headers: {},
    bytes: value.length,
    origin: source.type === 'kafka' ? 'kafka' : 'file',
    lease: new AbortController().signal,
  }
}

function decodedLines(decoded: Delivery<LogRecord>): readonly string[] {
  if (decoded.status === 'rejected')
    return [`refused: a dead letter with the reason ${decoded.reason}`, inWords(decoded.error)]
  if (decoded.status !== 'in-flight') return ['dropped, by decode.onTombstone']
  const { message, timeMs, level, fields } = decoded.value
  const names = Object.keys(fields)
  return [
    `message  ${JSON.stringify(message)}`,
    `time     ${timeMs === undefined ? 'none of its own: that of Kafka counts' : new Date(timeMs).toISOString()}`,
    `level    ${level === undefined ? 'none' : String(level)}`,
    `fields   ${names.length === 0 ? 'none' : names.join(', ')}`,
  ]
}

async function enrichmentOf(
  { value }: InFlight<LogRecord>,
  { config, analyser, print }: WalkThroughOptions,
): Promise<Enrichment | undefined> {
  const { text, truncated } = cutText(value.message, config.nlp.maxTextBytes)
  const nothing = {
    entities: [],
    severity: undefined,
    service: analyser.name,
    attempts: 0,
    durationMs: 0,
    truncated,
  }
  if (value.message === '') {
    print('nlp', ['no call: the message is empty'])
    return { ...nothing, status: 'skipped' }
  }
  const startedMs = performance.now()
  try {
    const [analysis = { entities: [] }] = await analyseOnce(analyser, [text])
    const durationMs = performance.now() - startedMs
    print('nlp', analysisLines(analysis, { durationMs, truncated }))
    const { entities, severity } = analysis
    return { ...nothing, status: 'enriched', entities, severity, attempts: 1, durationMs }
  } catch (error) {
    const raw = config.nlp.onFailure === 'index-raw' && isRecordsFault(error)
    print('nlp', [
      inWords(error),
      raw ? 'nlp.onFailure is index-raw: the document goes in without entities' : fate(error),
    ])
    return raw ? { ...nothing, status: 'failed', attempts: 1 } : undefined
  }
}

function analysisLines(
  { entities, severity }: Analysis,
  { durationMs, truncated }: { durationMs: number; truncated: boolean },
): readonly string[] {
  return [
    `answered in ${Math.round(durationMs)} ms${truncated ? ', for a text cut to nlp.maxTextBytes' : ''}`,
    `severity ${severity ?? 'not given: the level of the record decides'}`,
    ...entities.map(({ type, text }) => `entity   ${type} ${JSON.stringify(text)}`),
  ]
}

const fates: Readonly<Record<FailureKind, string>> = {
  record: 'for this record the daemon would write a dead letter (nlp-rejected)',
  outage: 'the daemon would wait and try again, for as long as it takes',
  suspect:
    'the daemon would try again, and after nlp.retry.limit attempts write a dead letter if others succeed',
  setting: 'the daemon would stop the line until this is changed',
}

function fate(error: unknown): string {
  return error instanceof EnrichdError ? fates[error.kind] : fates.suspect
}

function isRecordsFault(error: unknown): boolean {
  return error instanceof EnrichdError && error.kind === 'record'
}

function printAction(
  record: SourceRecord,
  document: EnrichedDocument,
  { config: { sink, elasticsearch }, print }: WalkThroughOptions,
): boolean {
  if (sink.type !== 'elasticsearch') {
    print('line', [
      sink.type === 'file' ? `one line of ${sink.path ?? ''}` : 'one line of the standard output',
    ])
    return true
  }
  try {
    const _index = indexName(elasticsearch.index)(document, record.topic)
    print('bulk action', [JSON.stringify({ [elasticsearch.opType]: { _index, _id: record.id } })])
    return true
  } catch (error) {
    print('bulk action', [
      `none: ${inWords(error)}`,
      'the daemon would write a dead letter (document-rejected)',
    ])
    return false
  }
}
