import type { Delivery, Finished } from '../delivery/delivery.js'
import type { EnrichedDocument } from '../delivery/document.js'
import type { Stage } from '../pipeline/stage.js'
import { Intake, type Failure } from '../pipeline/intake.js'
import type { ReadyIterator } from '../pipeline/ready-iterator.js'
import { BulkLine, type BulkLineOptions } from './bulk-line.js'

export interface IndexBatchesOptions extends BulkLineOptions {
  /** Aborted at the drain's deadline: requests in flight are cancelled and all that is not settled is released. */
  readonly cutOff?: AbortSignal
}

type Batch = readonly Delivery<EnrichedDocument>[]

/**
 * Writes batches to Elasticsearch and hands every record on by itself, as soon as its own outcome is known: indexed
 * with a receipt, rejected with the reason, or released. What comes in already finished is handed on at once.
 *
 * Bounds: `maxConcurrency` requests in flight; the next batch is pulled when a request may begin, and never while
 * `maxHeldRecords` are held. Order: that of completion. Documents that Elasticsearch does not take now are sent again
 * by themselves, with back-off, for as long as it takes; if none succeeds, the line waits behind a circuit breaker.
 * Sending twice is safe: the ids are the same.
 *
 * A source error reaches the consumer after everything taken before is settled. An early `return()` cancels what is in
 * flight and closes the source. On `cutOff` the stage goes on pulling, and releases what comes.
 * Throws `RangeError` for a bound that is none.
 */
export function indexBatches(options: IndexBatchesOptions): Stage<Batch, Finished> {
  for (const name of ['maxConcurrency', 'maxHeldRecords', 'probeIntervalMs'] as const) {
    const value = options[name]
    if (!Number.isInteger(value) || value < 1)
      throw new RangeError(`${name}: ${value} is not an integer from 1`)
  }
  const { limit, delayMs } = options.retry
  if (!Number.isInteger(limit) || limit < 1)
    throw new RangeError(`retry.limit: ${limit} is not an integer from 1`)
  if (!(delayMs >= 0)) throw new RangeError(`retry.delayMs: ${delayMs} is not a number from 0`)
  return (source) => ({ [Symbol.asyncIterator]: () => new BulkIndex(source, options) })
}

/** open ──the source ends or fails──▶ ending ──nothing is unfinished, return()──▶ closing ──nothing runs──▶ closed */
class BulkIndex implements ReadyIterator<Finished> {
  readonly #line: BulkLine
  readonly #intake: Intake<Batch>
  readonly #cutOff: AbortSignal | undefined
  #ending: { readonly error: Failure | undefined } | undefined
  #begun = false
  #over = false
  #closing: Promise<void> | undefined

  constructor(source: AsyncIterable<Batch>, options: IndexBatchesOptions) {
    this.#cutOff = options.cutOff
    this.#line = new BulkLine(options, this.#changed)
    this.#intake = new Intake(source, {
      item: (batch) => {
        this.#line.add(batch)
      },
      end: (error) => {
        this.#ending = { error }
        this.#changed()
      },
    })
  }

  next(): Promise<IteratorResult<Finished>> {
    if (!this.#begun) this.#begin()
    const next = this.#line.outbox.next()
    this.#changed()
    return next
  }

  nextReady(): IteratorResult<Finished> | undefined {
    const ready = this.#line.outbox.nextReady()
    if (ready !== undefined) this.#changed()
    return ready
  }

  async return(): Promise<IteratorResult<Finished>> {
    this.#line.outbox.discard()
    await (this.#closing ??= this.#close(undefined))
    return { done: true, value: undefined }
  }

  #begin(): void {
    this.#begun = true
    this.#cutOff?.addEventListener('abort', this.#cut, { once: true })
    if (this.#cutOff?.aborted === true) this.#cut()
  }

  readonly #cut = (): void => {
    void this.#line.cutOff(this.#cutOff?.reason)
  }

  /** There may be room for another batch, or nothing left to wait for. */
  readonly #changed = (): void => {
    if (this.#over) return
    if (this.#line.hasRoom) this.#intake.pull()
    if (this.#ending !== undefined && this.#line.outbox.unfinished === 0)
      this.#closing ??= this.#close(this.#ending.error)
  }

  async #close(error: Failure | undefined): Promise<void> {
    this.#over = true
    this.#cutOff?.removeEventListener('abort', this.#cut)
    try {
      await this.#line.cutOff(new DOMException('the stage was closed', 'AbortError'))
      await this.#intake.close()
    } finally {
      this.#line.outbox.close(error)
    }
  }
}
