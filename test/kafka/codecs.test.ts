import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { describe, it } from 'node:test'
import { decompressSnappy } from '../../src/kafka/codecs.js'

const snappy = createRequire(import.meta.url)('snappyjs') as { compress(bytes: Buffer): Buffer }

describe('decompressSnappy', () => {
  const text = Buffer.from('the same line again and again '.repeat(100))

  it('reads raw snappy, as librdkafka writes it', () => {
    assert.deepEqual(decompressSnappy(Buffer.from(snappy.compress(text))), text)
  })

  it("reads xerial's framing, as Java producers write it, in several blocks", () => {
    const header = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])
    const blocks = [text.subarray(0, 1000), text.subarray(1000)].flatMap((part) => {
      const block = Buffer.from(snappy.compress(part))
      const length = Buffer.alloc(4)
      length.writeInt32BE(block.length)
      return [length, block]
    })
    assert.deepEqual(decompressSnappy(Buffer.concat([header, ...blocks])), text)
  })
})
