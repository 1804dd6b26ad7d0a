import type { EachBatchPayload } from 'kafkajs'
import type { FetchedBatch } from './kafka-client.js'

type Batch = EachBatchPayload['batch']

/** What kafkajs fetched of one partition, as we hand it on. */
export function toFetched(batch: Batch): FetchedBatch {
  return {
    topic: batch.topic,
    partition: batch.partition,
    messages: batch.messages,
    endPosition: Number(batch.lastOffset()) + 1,
    highWatermark: Number(batch.highWatermark),
  }
}

/**
 * kafkajs wants the last offset that is done. For the last record of a batch it goes on to the batch's own last offset,
 * past control and aborted records.
 */
export function resolvable(batch: Batch, position: number): string {
  const last = batch.messages.at(-1)
  const done = last !== undefined && position > Number(last.offset)
  return done ? last.offset : String(position - 1)
}
