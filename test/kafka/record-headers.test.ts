import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { describe, it } from 'node:test'
import { recordHeaders } from '../../src/kafka/record-headers.js'

interface Encoder {
  readonly buffer: Buffer
  writeInt8(value: number): Encoder
  writeVarInt(value: number): Encoder
  writeVarLong(value: number): Encoder
  writeVarIntString(value: string): Encoder
  writeVarIntBytes(value: Buffer | null): Encoder
}
const kafkajs = createRequire(import.meta.url)
const Encoder = kafkajs('kafkajs/src/protocol/encoder') as new () => Encoder
const Decoder = kafkajs('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => object
const decodeRecord = kafkajs('kafkajs/src/protocol/recordBatch/record/v0/decoder') as (
  decoder: object,
  batch: object,
) => { headers: Record<string, unknown> }
const encodeRecord = kafkajs('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => Encoder

/** As kafkajs reads them from bytes that another client wrote. */
function decoded(headers: readonly (readonly [string, Buffer | null])[]): Record<string, unknown> {
  const record = new Encoder().writeInt8(0).writeVarLong(0).writeVarInt(0)
  record.writeVarIntBytes(null).writeVarIntBytes(Buffer.from('hello')).writeVarInt(headers.length)
  for (const [name, value] of headers) record.writeVarIntString(name).writeVarIntBytes(value)
  return decodeRecord(new Decoder(record.buffer), { firstOffset: '7', firstTimestamp: '1', magicByte: 2 })
    .headers
}

const bytes = Buffer.from

describe('recordHeaders', () => {
  it('keeps names and bytes, and all values of a name that comes twice', () => {
    const headers = decoded([
      ['a', bytes('1')],
      ['b', bytes([0xff, 0])],
      ['a', bytes('2')],
    ])
    assert.deepEqual(recordHeaders(headers), { a: [bytes('1'), bytes('2')], b: bytes([0xff, 0]) })
    assert.deepEqual(recordHeaders(undefined), {})
  })

  it('copies the bytes, since those of a fetch are slices of it', () => {
    const fetched = bytes('a whole fetch')
    const { h } = recordHeaders({ h: fetched.subarray(2, 7) })
    fetched.fill(0)
    assert.deepEqual(h, bytes('whole'))
  })

  for (const name of ['x', 'traceparent', 'constructor', 'toString', '__proto__']) {
    it(`makes of ${name} what kafkajs can write again, with and without a value`, () => {
      for (const value of [bytes('v'), null]) {
        const headers = recordHeaders(decoded([[name, value]]))
        assert.deepEqual(Object.entries(headers), [[name, value ?? bytes('')]])
        const { buffer } = encodeRecord({ key: null, value: null, headers })
        assert.ok(buffer.includes(name))
      }
    })
  }

  it('objects to what kafkajs decoded: without it these cannot be written (control)', () => {
    for (const name of ['x', 'constructor'])
      assert.throws(() => encodeRecord({ headers: decoded([[name, null]]) }), TypeError)
  })
})
