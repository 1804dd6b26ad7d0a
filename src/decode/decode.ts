import type { Delivery, RejectionReason, SourceRecord } from '../delivery/delivery.js'
import { reject } from '../delivery/delivery.js'
import type { LogRecord } from '../delivery/log-record.js'
import { EnrichdError } from '../errors.js'
import type { ErrorCode } from '../errors.js'
import { map } from '../pipeline/map.js'
import type { Stage } from '../pipeline/stage.js'
import { valueDecoder } from './decode-value.js'
import type { ValueOptions } from './decode-value.js'

export interface DecodeOptions extends ValueOptions {
  /** What becomes of a record without a value: dropped by this policy, or a dead letter. */
  readonly onTombstone: 'drop' | 'dead-letter'
}

/**
 * The decode stage: bytes become log records, one by one, in order, synchronously. Nothing waits in it: it pulls when it
 * is pulled, closes its source when it is closed, and hands on its source's error.
 */
export function decode(options: DecodeOptions): Stage<SourceRecord, Delivery<LogRecord>> {
  return map(recordDecoder(options))
}

/**
 * Makes the function that decodes one record. It never throws: what cannot be decoded ends as `undecodable`, what has no
 * message as `no-message`, what has no value as `tombstone` or dropped. No error of it quotes the record.
 */
export function recordDecoder(options: DecodeOptions): (record: SourceRecord) => Delivery<LogRecord> {
  const decodeValue = valueDecoder(options)
  return (record) => {
    if (record.value === null) return tombstone(record, options)
    if (record.cutFromBytes !== undefined) {
      return rejected(record, 'undecodable', `it has ${record.cutFromBytes} bytes and was cut by the source`)
    }
    try {
      const value = decodeValue(record.value, record.timestampMs)
      if (value === undefined)
        return rejected(record, 'no-message', `none of ${options.messageFields.join(', ')} is there`)
      return { status: 'in-flight', record, value }
    } catch (error) {
      return rejected(record, 'undecodable', (error as Error).message)
    }
  }
}

function tombstone(record: SourceRecord, options: DecodeOptions): Delivery<LogRecord> {
  if (options.onTombstone === 'drop') return { status: 'dropped', record, policy: 'decode.onTombstone' }
  return rejected(record, 'tombstone', 'it has no value')
}

const stage = 'decode'
const codes = {
  undecodable: 'RECORD_UNDECODABLE',
  'no-message': 'RECORD_NO_MESSAGE',
  tombstone: 'RECORD_TOMBSTONE',
} as const satisfies Partial<Record<RejectionReason, ErrorCode>>

function rejected(record: SourceRecord, reason: keyof typeof codes, why: string): Delivery<LogRecord> {
  const { topic, partition, offset } = record
  const context = { stage, topic, partition, offset }
  const error = new EnrichdError(codes[reason], `The record cannot be decoded: ${why}.`, {
    kind: 'record',
    context,
  })
  return reject(record, { reason, stage, error, attempts: 0 })
}
