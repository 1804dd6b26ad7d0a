import type { Delivery, InFlight } from '../../../src/delivery/delivery.js'
import type { LogRecord } from '../../../src/delivery/log-record.js'
import { sourceRecord } from '../../support/source-record.js'

export interface DeliverySpec {
  readonly message: string
  readonly offset: number
  readonly partition?: number
  readonly lease?: AbortSignal
}

const owned = new AbortController().signal

export function logDelivery({
  message,
  offset,
  partition = 0,
  lease = owned,
}: DeliverySpec): InFlight<LogRecord> {
  const record = sourceRecord(message, { id: `logs-${partition}-${offset}-0`, offset, partition, lease })
  return {
    status: 'in-flight',
    record,
    value: { fields: {}, message, timeMs: undefined, level: undefined },
  }
}

/** A source that hands out what it was given, ends on `end`, and knows whether it was closed. */
export class ManualSource implements AsyncIterable<Delivery<LogRecord>> {
  pulled = 0
  closed = false
  readonly #items: Delivery<LogRecord>[] = []
  #ended = false
  #wake: () => void = () => undefined

  push(...items: Delivery<LogRecord>[]): void {
    this.#items.push(...items)
    this.#wake()
  }

  end(): void {
    this.#ended = true
    this.#wake()
  }

  [Symbol.asyncIterator](): AsyncIterator<Delivery<LogRecord>> {
    return {
      next: async () => {
        for (;;) {
          const item = this.#items.shift()
          if (item !== undefined && !this.closed) {
            this.pulled++
            return { done: false, value: item }
          }
          if (this.#ended || this.closed) {
            this.closed = true
            return { done: true, value: undefined }
          }
          await new Promise<void>((resolve) => (this.#wake = resolve))
        }
      },
      // Unlike a generator's, it does not wait for the next item.
      return: async () => {
        this.closed = true
        this.#wake()
        return { done: true, value: undefined }
      },
    }
  }
}
