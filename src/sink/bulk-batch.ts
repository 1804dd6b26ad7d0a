import type { Delivery, InFlight } from '../delivery/delivery.js'
import type { EnrichedDocument } from '../delivery/document.js'
import { systemClock, type Clock } from '../pipeline/clock.js'
import type { Stage } from '../pipeline/stage.js'
import { actionBytes } from './bulk-request.js'
import type { BulkTraffic } from './bulk-traffic.js'
import { closable } from './closable.js'

export interface BatchForBulkOptions {
  /** Documents in a batch. */
  readonly batchSize: number
  /** What a batch may grow to while there is a backlog; `batchSize` for never. */
  readonly maxBatchSize: number
  /** Bytes of documents and actions in a batch. A single document that has more goes alone. */
  readonly batchBytes: number
  /** A batch whose first document has waited this long goes as it is. 0: whatever is there goes; see `traffic`. */
  readonly flushIntervalMs: number
  /** Whether more records wait upstream. Default: never, and batches grow only while no request may begin. */
  readonly backlog?: () => boolean
  /** With a `flushIntervalMs` of 0, what is there goes once no request is under way, or after 10 ms. Default: at once. */
  readonly traffic?: BulkTraffic
  readonly clock?: Clock
}

type In = Delivery<EnrichedDocument>
type Batch = readonly In[]

/** With a backlog and a free request, a batch that has `batchSize` documents waits this long for more. */
const growMs = 50
/**
 * With an interval of 0, what comes while a request is under way waits for the end of it, as a database's group commit has it, and this
 * long at most. Half as many requests and 16 % less CPU time a record at 1,550 records/s, for the same latency (three interleaved runs).
 */
const gatherMs = 10

/**
 * Collects documents for a bulk: `batchSize` documents, `batchBytes`, or an age of `flushIntervalMs`, whichever comes
 * first. The age counts from the batch's first document, and documents keep their order. With an age of 0 it is the requests under
 * way that say when, see `traffic`.
 *
 * It reads ahead, at most `maxBatchSize` records, so a batch fills while the consumer is busy with the requests before:
 * that is how batches grow, up to `maxBatchSize`, when Elasticsearch is what holds the line up. Where `backlog` says that
 * more is to come at once, a batch also waits up to 50 ms to grow. Without a backlog they are of `batchSize` again.
 *
 * What is not in flight any more does not wait: it goes on at once, in a batch of its own. When the source ends, the
 * partial batch goes at once; a source error follows what was collected before it. An early `return()` closes the
 * source. Throws `RangeError` for a bound that is none.
 */
export function batchForBulk(options: BatchForBulkOptions): Stage<In, Batch> {
  check('batchSize', options.batchSize, 1)
  check('maxBatchSize', options.maxBatchSize, options.batchSize)
  check('batchBytes', options.batchBytes, 1)
  check('flushIntervalMs', options.flushIntervalMs, 0)
  return (source) => {
    const collector = new Collector(source, options)
    return closable(collector.batches(), () => {
      collector.stop()
    })
  }
}

function check(name: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least) {
    throw new RangeError(`${name}: ${value} is not an integer from ${least}`)
  }
}

class Collector {
  readonly #source: AsyncIterable<In>
  readonly #options: BatchForBulkOptions
  readonly #clock: Clock
  #upstream: AsyncIterator<In> | undefined
  #reading: 'idle' | 'pending' | 'ended' | 'stopped' = 'idle'
  #error: { readonly cause: unknown } | undefined
  /** The consumer waits for a batch; see `#tell`. */
  #waiting: (() => void) | undefined
  /** Not in flight any more. */
  #passing: In[] = []
  #filling: InFlight<EnrichedDocument>[] = []
  #bytes = 0
  /** Did not fit into `filling` by its bytes, and will be the first of the next. */
  #next: InFlight<EnrichedDocument> | undefined
  #aged = false
  #grown = false
  #ageTimer: unknown
  #growTimer: unknown

  constructor(source: AsyncIterable<In>, options: BatchForBulkOptions) {
    this.#source = source
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  async *batches(): AsyncGenerator<Batch, void> {
    const unlisten = this.#traffic?.listen(this.#quiet)
    try {
      while (this.#reading !== 'stopped') {
        this.#read()
        const batch = this.#take()
        if (batch !== undefined) yield batch
        else if (this.#reading === 'ended') break
        else await new Promise<void>((resolve) => (this.#waiting = resolve))
      }
      if (this.#error !== undefined) throw this.#error.cause
    } finally {
      this.#clearTimers()
      unlisten?.()
      const open = this.#reading !== 'ended'
      this.#reading = 'stopped'
      if (open) await this.#upstream?.return?.()
    }
  }

  stop(): void {
    if (this.#reading !== 'ended') this.#reading = 'stopped'
    this.#tell()
  }

  /** Where it says when a batch goes. */
  get #traffic(): BulkTraffic | undefined {
    return this.#options.flushIntervalMs === 0 ? this.#options.traffic : undefined
  }

  get #hasRoom(): boolean {
    return (
      this.#next === undefined && this.#filling.length + this.#passing.length < this.#options.maxBatchSize
    )
  }

  #read(): void {
    if (this.#reading !== 'idle' || !this.#hasRoom) return
    this.#reading = 'pending'
    this.#upstream ??= this.#source[Symbol.asyncIterator]()
    this.#upstream.next().then(this.#came, this.#failed)
  }

  readonly #came = (result: IteratorResult<In>): void => {
    if (this.#reading === 'stopped') return
    this.#reading = result.done === true ? 'ended' : 'idle'
    if (result.done !== true) this.#add(result.value)
    const isReady = result.done === true || this.#passing.length > 0 || this.#due
    // Whoever waits for the batch takes it as it is, and reads on then.
    if (!isReady || !this.#tell()) this.#read()
  }

  /** Lets the consumer go on, if it waits. */
  #tell(): boolean {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.()
    return waiting !== undefined
  }

  readonly #failed = (cause: unknown): void => {
    if (this.#reading === 'stopped') return
    this.#reading = 'ended'
    this.#error = { cause }
    this.#tell()
  }

  #add(delivery: In): void {
    if (delivery.status !== 'in-flight') {
      this.#passing.push(delivery)
      return
    }
    const bytes = delivery.value.bytes + actionBytes
    if (this.#filling.length > 0 && this.#bytes + bytes > this.#options.batchBytes) {
      this.#next = delivery
      return
    }
    this.#filling.push(delivery)
    this.#bytes += bytes
    if (this.#filling.length === 1) this.#ageTimer = this.#timer(this.#patienceMs, () => (this.#aged = true))
    if (this.#filling.length === this.#options.batchSize && this.#mayGrow) {
      this.#growTimer = this.#timer(growMs, () => (this.#grown = true))
    }
  }

  get #patienceMs(): number {
    return this.#traffic === undefined ? this.#options.flushIntervalMs : gatherMs
  }

  readonly #quiet = (): void => {
    if (this.#filling.length > 0) this.#tell()
  }

  get #mayGrow(): boolean {
    const { batchSize, maxBatchSize, backlog } = this.#options
    return !this.#grown && maxBatchSize > batchSize && backlog?.() === true
  }

  get #due(): boolean {
    const count = this.#filling.length
    const { batchSize, maxBatchSize, batchBytes } = this.#options
    if (count === 0) return false
    if (this.#aged || this.#traffic?.quiet === true) return true
    if (this.#next !== undefined || this.#reading === 'ended') return true
    if (count >= maxBatchSize || this.#bytes >= batchBytes) return true
    return count >= batchSize && !this.#mayGrow
  }

  #take(): Batch | undefined {
    if (this.#passing.length > 0) {
      const passing = this.#passing
      this.#passing = []
      this.#read()
      return passing
    }
    if (!this.#due) return undefined
    const batch = this.#filling
    this.#clearTimers()
    this.#filling = []
    this.#bytes = 0
    this.#aged = false
    this.#grown = false
    const next = this.#next
    this.#next = undefined
    if (next !== undefined) this.#add(next)
    this.#read()
    return batch
  }

  #timer(delayMs: number, run: () => void): unknown {
    if (delayMs === 0) {
      run()
      return undefined
    }
    return this.#clock.setTimeout(() => {
      run()
      this.#tell()
    }, delayMs)
  }

  #clearTimers(): void {
    this.#clock.clearTimeout(this.#ageTimer)
    this.#clock.clearTimeout(this.#growTimer)
  }
}
