import { reject, release, type Finished, type Receipt, type SourceRecord } from '../delivery/delivery.js'
import type { EnrichdError } from '../errors.js'

/** Records that the index stage has finished with, in the order of finishing, and how many it holds in all. */
export class Outbox {
  #finished: Finished[] = []
  #held = 0

  /** Records that came in and were not yet handed on. */
  get held(): number {
    return this.#held
  }

  took(records: number): void {
    this.#held += records
  }

  handedOn(): void {
    this.#held--
  }

  /** What has finished since the last call. */
  take(): readonly Finished[] {
    const finished = this.#finished
    this.#finished = []
    return finished
  }

  pass(finished: Finished): void {
    this.#finished.push(finished)
  }

  indexed(record: SourceRecord, receipt: Receipt): void {
    this.#finished.push({ status: 'indexed', record, receipt })
  }

  rejected(record: SourceRecord, error: EnrichdError, attempts: number): void {
    const { topic, partition, offset } = record
    const story = error.within({ stage: 'index', topic, partition, offset, attempt: Math.max(1, attempts) })
    const reason = error.code === 'INDEX_TOO_LARGE' ? 'document-too-large' : 'document-rejected'
    this.#finished.push(reject(record, { reason, stage: 'index', error: story, attempts }))
  }

  released(record: SourceRecord): void {
    this.#finished.push(release(record))
  }
}
