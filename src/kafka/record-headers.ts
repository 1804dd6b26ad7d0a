import type { RecordHeaders } from '../delivery/delivery.js'

const none: RecordHeaders = Object.freeze({})

/**
 * A record's headers, made of what kafkajs decoded; what comes out can be written again.
 *
 * - A value of null, which Kafka allows and kafkajs reads but cannot write, becomes an empty one.
 * - A name that every object has (`constructor`) comes from kafkajs as an array of the inherited member and the value: what is no
 *   bytes is left out.
 * - Bytes are copied: kafkajs' are slices of a whole fetch, which one stuck record would keep in memory.
 */
export function recordHeaders(decoded: Readonly<Record<string, unknown>> | undefined): RecordHeaders {
  if (decoded === undefined) return none
  const names = Object.keys(decoded)
  if (names.length === 0) return none
  return Object.fromEntries(names.map((name) => [name, headerValue(decoded[name])]))
}

function headerValue(decoded: unknown): Buffer | Buffer[] {
  if (!Array.isArray(decoded)) return bytesOf(decoded) ?? Buffer.alloc(0)
  const values = decoded.map(bytesOf).filter((each) => each !== undefined)
  return values.length === 1 && values[0] !== undefined ? values[0] : values
}

function bytesOf(decoded: unknown): Buffer | undefined {
  if (decoded === null) return Buffer.alloc(0)
  return Buffer.isBuffer(decoded) || typeof decoded === 'string' ? Buffer.from(decoded as Buffer) : undefined
}
