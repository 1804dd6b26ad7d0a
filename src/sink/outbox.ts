import { reject, release, type Finished, type Receipt, type SourceRecord } from '../delivery/delivery.js'
import type { EnrichdError } from '../errors.js'
import type { Failure } from '../pipeline/intake.js'
import { Outbox as ReadyOutbox } from '../pipeline/outbox.js'

/** Records that the index stage has finished with, in the order of finishing, and how many it holds in all. */
export class Outbox {
  readonly #finished = new ReadyOutbox<Finished>()
  #held = 0

  /** Records that came in and were not yet handed on. */
  get held(): number {
    return this.#held
  }

  /** Those of them that nothing is known of yet. */
  get unfinished(): number {
    return this.#held - this.#finished.length
  }

  took(records: number): void {
    this.#held += records
  }

  /** See `ReadyIterator`. */
  nextReady(): IteratorResult<Finished> | undefined {
    if (this.#finished.length > 0) this.#held--
    return this.#finished.nextReady()
  }

  next(): Promise<IteratorResult<Finished>> {
    if (this.#finished.length > 0) this.#held--
    return this.#finished.next()
  }

  /** Nothing comes any more: what has finished is still handed out, then the error, if any, then the end. */
  close(error?: Failure): void {
    this.#finished.close(error)
  }

  /** The consumer has stopped. */
  discard(): void {
    this.#finished.discard()
  }

  pass(finished: Finished): void {
    this.#handOn(finished)
  }

  indexed(record: SourceRecord, receipt: Receipt): void {
    this.#handOn({ status: 'indexed', record, receipt })
  }

  rejected(record: SourceRecord, error: EnrichdError, attempts: number): void {
    const { topic, partition, offset } = record
    const story = error.within({ stage: 'index', topic, partition, offset, attempt: Math.max(1, attempts) })
    const reason = error.code === 'INDEX_TOO_LARGE' ? 'document-too-large' : 'document-rejected'
    this.#handOn(reject(record, { reason, stage: 'index', error: story, attempts }))
  }

  released(record: SourceRecord): void {
    this.#handOn(release(record))
  }

  #handOn(finished: Finished): void {
    if (this.#finished.wanted) this.#held--
    this.#finished.push(finished)
  }
}
