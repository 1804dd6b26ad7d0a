import type { Consumer } from 'kafkajs'
import type { TopicPartition } from '../telemetry/telemetry.js'
import type { Position } from './kafka-client.js'

/**
 * What a consumer is told about its partitions. Between a crash of kafkajs and the event that tells of it (it first waits for its
 * requests) its consumer takes no orders and throws: the membership that they were for is over.
 */
export class ConsumerOrders {
  readonly #consumer: () => Consumer | undefined

  /** @param consumer the one of the membership; undefined while there is none */
  constructor(consumer: () => Consumer | undefined) {
    this.#consumer = consumer
  }

  seek({ topic, partition, offset }: Position): void {
    this.#give((consumer) => {
      consumer.seek({ topic, partition, offset: String(offset) })
    })
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#give((consumer) => {
      consumer.pause(partitions.map(toKafkajs))
    })
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#give((consumer) => {
      consumer.resume(partitions.map(toKafkajs))
    })
  }

  #give(order: (consumer: Consumer) => void): void {
    const consumer = this.#consumer()
    if (consumer === undefined) return
    try {
      order(consumer)
    } catch (error) {
      if (!(error instanceof Error && error.name === 'KafkaJSNonRetriableError')) throw error
    }
  }
}

const toKafkajs = ({ topic, partition }: TopicPartition) => ({ topic, partitions: [partition] })
