import { createRequire } from 'node:module'
import kafkajs from 'kafkajs'
import { decompress as decompressZstd } from 'fzstd'
import { decompressFrame } from 'lz4-napi'

const { CompressionTypes, CompressionCodecs } = kafkajs
// snappyjs is CommonJS and has no types.
const snappy = createRequire(import.meta.url)('snappyjs') as { uncompress(bytes: Buffer): Buffer }

/** xerial's framing, used by Java producers: a header, then blocks of a length (32 bit, big endian) and raw snappy. */
const XERIAL_HEADER = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const XERIAL_HEADER_BYTES = 16

/**
 * Teaches the client to read what producers write: kafkajs has only gzip built in, and a batch of another codec would
 * crash its consumer. We only read: the dead letters that we write are not compressed.
 */
export function registerCodecs(): void {
  const compress = (): Promise<Buffer> => Promise.reject(new Error('enrichd writes without compression'))
  CompressionCodecs[CompressionTypes.Snappy] = () => ({
    compress,
    decompress: (bytes: Buffer) => Promise.resolve(decompressSnappy(bytes)),
  })
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress,
    decompress: (bytes: Buffer) => decompressFrame(bytes),
  })
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress,
    decompress: (bytes: Buffer) => Promise.resolve(Buffer.from(decompressZstd(bytes))),
  })
}

/** Raw snappy, as librdkafka and others write it, or xerial's framing around it. */
export function decompressSnappy(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, XERIAL_HEADER.length).equals(XERIAL_HEADER))
    return Buffer.from(snappy.uncompress(bytes))
  const blocks: Buffer[] = []
  for (let at = XERIAL_HEADER_BYTES; at < bytes.length;) {
    const length = bytes.readInt32BE(at)
    at += 4
    blocks.push(Buffer.from(snappy.uncompress(bytes.subarray(at, at + length))))
    at += length
  }
  return Buffer.concat(blocks)
}
