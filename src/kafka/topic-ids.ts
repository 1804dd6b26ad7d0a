import type { Kafka } from 'kafkajs'
import { BrokerAccess, type WireBroker } from './broker-access.js'

/** kafkajs speaks Metadata up to version 6; topics have ids from version 10 on (Kafka 2.8). */
const METADATA = { apiKey: 3, apiVersion: 10, apiName: 'Metadata' } as const

/**
 * The ids that brokers give to topics: a topic that is deleted and made again has another one, though its name and, soon
 * enough, its offsets are the same. Asked for over a connection of its own, since kafkajs knows nothing of them.
 */
export class TopicIds {
  readonly #brokers: BrokerAccess

  constructor(kafka: Kafka) {
    this.#brokers = new BrokerAccess(kafka)
  }

  /**
   * By name; topics that do not exist now are left out, and all of them where the brokers are too old to know ids.
   *
   * @throws whatever the client throws while no broker answers
   */
  async of(topics: readonly string[]): Promise<ReadonlyMap<string, string>> {
    try {
      const broker = await this.#brokers.anyone()
      if ((broker.versions[METADATA.apiKey]?.maxVersion ?? 0) < METADATA.apiVersion) return new Map()
      return await ask(broker, topics)
    } catch (error) {
      await this.#brokers.refresh().catch(() => undefined)
      throw error
    }
  }

  close(): Promise<void> {
    return this.#brokers.close()
  }
}

function ask(broker: WireBroker, topics: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const request = encodeTopicsRequest(topics)
  return broker.connectionPool.send({
    request: {
      ...METADATA,
      encode: () => Promise.resolve({ buf: request, buffer: request, size: () => request.length }),
    },
    response: {
      decode: (answer) => Promise.resolve(decodeTopicIds(answer)),
      parse: (ids) => Promise.resolve(ids),
    },
  })
}

/** What follows the client's name in a request for the metadata of these topics, which makes none of them. */
export function encodeTopicsRequest(topics: readonly string[]): Buffer {
  const noTags = Buffer.from([0])
  const parts: Buffer[] = [noTags, varint(topics.length + 1)]
  for (const topic of topics) {
    const name = Buffer.from(topic)
    parts.push(Buffer.alloc(16), varint(name.length + 1), name, noTags)
  }
  const makeThem = 0
  const withOperations = [0, 0]
  return Buffer.concat([...parts, Buffer.from([makeThem, ...withOperations]), noTags])
}

/** The ids, in hexadecimal, out of what follows the correlation id of the answer. */
export function decodeTopicIds(answer: Buffer): ReadonlyMap<string, string> {
  const reader = new CompactReader(answer)
  reader.tags()
  reader.skip(4)
  reader.list(() => {
    reader.skip(4)
    reader.text()
    reader.skip(4)
    reader.text()
    reader.tags()
  })
  reader.text()
  reader.skip(4)
  const ids = new Map<string, string>()
  reader.list(() => {
    const error = reader.int16()
    const name = reader.text()
    const id = reader.hex(16)
    reader.skip(1)
    reader.list(() => {
      skipPartition(reader)
    })
    reader.skip(4)
    reader.tags()
    if (error === 0 && !/^0+$/.test(id)) ids.set(name, id)
  })
  return ids
}

function skipPartition(reader: CompactReader): void {
  const errorIndexLeaderEpochBytes = 2 + 4 + 4 + 4
  reader.skip(errorIndexLeaderEpochBytes)
  for (let list = 0; list < 3; list++) {
    reader.list(() => {
      reader.skip(4)
    })
  }
  reader.tags()
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return Buffer.from([...bytes, rest])
}

/** Reads the compact forms of Kafka's protocol (KIP-482). @throws RangeError beyond the end */
class CompactReader {
  readonly #buffer: Buffer
  #at = 0

  constructor(buffer: Buffer) {
    this.#buffer = buffer
  }

  skip(bytes: number): void {
    this.#at += bytes
  }

  int16(): number {
    this.#at += 2
    return this.#buffer.readInt16BE(this.#at - 2)
  }

  hex(bytes: number): string {
    this.#at += bytes
    return this.#buffer.toString('hex', this.#at - bytes, this.#at)
  }

  varint(): number {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.#buffer.readUInt8(this.#at++)
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }

  /** null counts as ''. */
  text(): string {
    const bytes = Math.max(0, this.varint() - 1)
    this.#at += bytes
    return this.#buffer.toString('utf8', this.#at - bytes, this.#at)
  }

  list(readOne: () => void): void {
    for (let left = this.varint() - 1; left > 0; left--) readOne()
  }

  tags(): void {
    for (let left = this.varint(); left > 0; left--) {
      this.varint()
      this.skip(this.varint())
    }
  }
}
