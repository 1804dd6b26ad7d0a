import type { Producer } from 'kafkajs'
import { classifyKafkaError } from './classify-kafka-error.js'
import type { ProducedRecord, RecordProducer } from './kafka-client.js'

const ALL_REPLICAS = -1

/** kafkajs' producer; connects with the first `send`, and again after a failed one. */
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
      await this.#producer.send({
        topic,
        acks: ALL_REPLICAS,
        messages: records.map(({ key, value, headers }) => ({ key, value, headers: mutable(headers) })),
      })
    } catch (error) {
      this.#connected = undefined
      throw classifyKafkaError(error, `writing to ${topic}`)
    }
  }

  async close(): Promise<void> {
    await this.#producer.disconnect()
  }
}

/** kafkajs' type wants arrays that it may change; it does not change them. */
function mutable(
  headers: ProducedRecord['headers'],
): Record<string, Buffer | string | (Buffer | string)[] | undefined> {
  return headers as Record<string, Buffer | string | (Buffer | string)[] | undefined>
}
