import type { Producer } from 'kafkajs'
import { classifyKafkaError } from './classify-kafka-error.js'
import type { ProducedRecord, RecordProducer } from './kafka-client.js'

const ALL_REPLICAS = -1
/** Requests under way at once. */
const IN_FLIGHT = 16

/**
 * kafkajs' producer; connects with the first `send`, and again after a failed one.
 *
 * One record a request: kafkajs keeps the brokers' answers over its retries, and when a leader moves to a broker that has
 * answered for another partition already, it forgets the records that moved, and reports success (seen with three
 * brokers, one of them killed).
 */
export class KafkajsProducer implements RecordProducer {
  readonly #producer: Producer
  #connected: Promise<void> | undefined

  constructor(producer: Producer) {
    this.#producer = producer
  }

  async send(topic: string, records: readonly ProducedRecord[]): Promise<void> {
    try {
      this.#connected ??= this.#producer.connect()
      await this.#connected
      for (let at = 0; at < records.length; at += IN_FLIGHT) {
        await allEnded(records.slice(at, at + IN_FLIGHT).map((record) => this.#sendOne(topic, record)))
      }
    } catch (error) {
      this.#connected = undefined
      throw classifyKafkaError(error, `writing to ${topic}`)
    }
  }

  async #sendOne(topic: string, { key, value, headers }: ProducedRecord): Promise<void> {
    await this.#producer.send({
      topic,
      acks: ALL_REPLICAS,
      messages: [{ key, value, headers: mutable(headers) }],
    })
  }

  async close(): Promise<void> {
    await this.#producer.disconnect()
  }
}

/** Waits for all of them, then throws the first failure: nothing is under way afterwards. */
async function allEnded(sends: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(sends)) if (result.status === 'rejected') throw result.reason
}

/** kafkajs' type wants arrays that it may change; it does not change them. */
function mutable(
  headers: ProducedRecord['headers'],
): Record<string, Buffer | string | (Buffer | string)[] | undefined> {
  return headers as Record<string, Buffer | string | (Buffer | string)[] | undefined>
}
