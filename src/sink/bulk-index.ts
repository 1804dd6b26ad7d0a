import type { Delivery, Finished } from '../delivery/delivery.js'
import type { EnrichedDocument } from '../delivery/document.js'
import type { Stage } from '../pipeline/stage.js'
import { BulkLine, type BulkLineOptions } from './bulk-line.js'
import { closable } from './closable.js'

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
  return (source) => run(source, options)
}

/** What changes while the generator is suspended. */
interface State {
  changed: boolean
  returned: boolean
  wake: () => void
}

function run(source: AsyncIterable<Batch>, options: IndexBatchesOptions): AsyncIterable<Finished> {
  const state: State = { changed: false, returned: false, wake: () => {} }
  const onChange = () => {
    state.changed = true
    intake.pull()
    state.wake()
  }
  const line = new BulkLine(options, onChange)
  const intake = new Intake(source, line, onChange)

  async function* index(): AsyncGenerator<Finished, void> {
    const cutOff = () => void line.cutOff(options.cutOff?.reason)
    options.cutOff?.addEventListener('abort', cutOff, { once: true })
    if (options.cutOff?.aborted === true) cutOff()
    try {
      while (!state.returned) {
        state.changed = false
        intake.pull()
        for (const finished of line.outbox.take()) {
          line.outbox.handedOn()
          yield finished
        }
        if (intake.ended && line.outbox.held === 0) break
        // What changed while the consumer had the record must not be slept through.
        if (!somethingNew(state)) await new Promise<void>((resolve) => (state.wake = resolve))
      }
      intake.throwIfFailed()
    } finally {
      options.cutOff?.removeEventListener('abort', cutOff)
      intake.stop()
      await line.cutOff(new DOMException('the stage was closed', 'AbortError'))
      await intake.close()
    }
  }
  return closable(index(), () => {
    state.returned = true
    state.wake()
  })
}

function somethingNew({ changed, returned }: State): boolean {
  return changed || returned
}

/** Pulls batches for the line: one `next()` at a time, and only when there is room. */
class Intake {
  readonly #source: AsyncIterable<Batch>
  readonly #line: BulkLine
  readonly #onChange: () => void
  #upstream: AsyncIterator<Batch> | undefined
  #state: 'idle' | 'pulling' | 'ended' | 'stopped' = 'idle'
  #error: { readonly cause: unknown } | undefined

  constructor(source: AsyncIterable<Batch>, line: BulkLine, onChange: () => void) {
    this.#source = source
    this.#line = line
    this.#onChange = onChange
  }

  get ended(): boolean {
    return this.#state === 'ended'
  }

  pull(): void {
    if (this.#state !== 'idle' || !this.#line.hasRoom) return
    this.#state = 'pulling'
    this.#upstream ??= this.#source[Symbol.asyncIterator]()
    this.#upstream.next().then(
      (result) => {
        if (this.#state === 'stopped') return
        this.#state = result.done === true ? 'ended' : 'idle'
        if (result.done !== true) this.#line.add(result.value)
        this.#onChange()
      },
      (cause: unknown) => {
        this.#state = 'ended'
        this.#error = { cause }
        this.#onChange()
      },
    )
  }

  /** Nothing is pulled from now on. */
  stop(): void {
    if (this.#state !== 'ended') this.#state = 'stopped'
  }

  throwIfFailed(): void {
    if (this.#error !== undefined) throw this.#error.cause
  }

  async close(): Promise<void> {
    if (this.#state === 'stopped') await this.#upstream?.return?.()
  }
}
