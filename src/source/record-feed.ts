import type { SourceRecord } from '../delivery/delivery.js'
import type { Clock } from '../pipeline/clock.js'
import { FairQueue } from '../pipeline/fair-queue.js'
import type { ReadyIterator } from '../pipeline/ready-iterator.js'

export interface RecordFeedOptions {
  /** Records that wait to be taken; 1 or more. */
  readonly bufferSize: number
  /** Bytes of records held in all, from `push` to `finished`. A single larger record still passes, alone. */
  readonly maxBufferedBytes: number
  readonly clock: Clock
}

/**
 * A partition's records may wait while they are fewer than so many times the places that are free (dynamic thresholds: Choudhury and
 * Hahne, IEEE/ACM Transactions on Networking 6, 1998). An eighth of the places, one at least, is not counted: it is for partitions of which
 * nothing waits, one place for each as far as there are. So one partition alone fills seven tenths of the queue.
 */
const shareOfFree = 4
const reserved = 1 / 8
/** For room, nobody is woken before so much of the queue is free: fetches are then handed over in runs, not record by record. */
const freeToWake = 0.5

/**
 * The queue between the fetches and the pipeline, as an asynchronous iterable for one consumer. It is the only place
 * where records wait that nobody has begun to work on, and it knows how many are out and how many bytes are held. Partitions take
 * turns: the record of one that has little does not wait behind another's backlog.
 *
 * flowing ⇄ holding (nothing is handed out) → ended (the iteration ends, what waited is given back to the caller)
 */
export class RecordFeed implements AsyncIterable<SourceRecord> {
  readonly #options: RecordFeedOptions
  readonly #queue = new FairQueue<AbortSignal, SourceRecord>()
  #bytes = 0
  #taken = 0
  #inFlight = 0
  #holding = false
  #ended = false
  #taker: ((result: IteratorResult<SourceRecord>) => void) | undefined
  #roomWaiters: (() => void)[] = []
  #idleWaiters: (() => void)[] = []

  constructor(options: RecordFeedOptions) {
    for (const name of ['bufferSize', 'maxBufferedBytes'] as const) {
      if (!(options[name] >= 1)) throw new RangeError(`${name}: expected 1 or more, got ${options[name]}`)
    }
    this.#options = options
  }

  /** Records handed out, in all. */
  get taken(): number {
    return this.#taken
  }

  get waiting(): number {
    return this.#queue.length
  }

  /** Handed out and not finished. */
  get inFlight(): number {
    return this.#inFlight
  }

  get bytes(): number {
    return this.#bytes
  }

  get ended(): boolean {
    return this.#ended
  }

  [Symbol.asyncIterator](): ReadyIterator<SourceRecord> {
    return {
      nextReady: () => this.#nextReady(),
      next: () => this.#next(),
      return: () => {
        this.end()
        return Promise.resolve({ done: true, value: undefined })
      },
    }
  }

  #next(): Promise<IteratorResult<SourceRecord>> {
    const ready = this.#nextReady()
    if (ready !== undefined) return Promise.resolve(ready)
    return new Promise((resolve) => (this.#taker = resolve))
  }

  #nextReady(): IteratorResult<SourceRecord> | undefined {
    const record = this.#take()
    if (record !== undefined) return { done: false, value: record }
    return this.#ended ? { done: true, value: undefined } : undefined
  }

  #take(): SourceRecord | undefined {
    if (this.#holding || this.#queue.length === 0) return undefined
    const record = this.#queue.shift()
    this.#taken++
    this.#inFlight++
    this.#makeRoom()
    return record
  }

  #feed(): void {
    if (this.#taker === undefined) return
    const record = this.#take()
    if (record === undefined) return
    const taker = this.#taker
    this.#taker = undefined
    taker({ done: false, value: record })
  }

  push(record: SourceRecord): void {
    this.#bytes += record.bytes
    this.#queue.push(record.lease, record)
    this.#feed()
  }

  /** True while this record may be pushed. */
  hasRoom(record: SourceRecord): boolean {
    return this.#hasPlace(record) && this.fits(record)
  }

  /** True while it may be by its bytes. */
  fits({ bytes }: SourceRecord): boolean {
    return this.#bytes + bytes <= this.#options.maxBufferedBytes || this.#bytes === 0
  }

  #hasPlace({ lease }: SourceRecord): boolean {
    const { bufferSize } = this.#options
    const free = bufferSize - this.#queue.length
    const waiting = this.#queue.lengthOf(lease)
    if (waiting === 0) return free > 0
    return waiting < shareOfFree * (free - Math.max(1, Math.floor(bufferSize * reserved)))
  }

  /** Resolves when there may be room, when ending begins, on `wake`, or on abort: the caller looks again. */
  roomMayBe(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        signal.removeEventListener('abort', wake)
        resolve()
      }
      signal.addEventListener('abort', wake, { once: true })
      this.#roomWaiters.push(wake)
    })
  }

  /** A record that was handed out came back, settled or released. */
  finished(record: SourceRecord): void {
    this.#bytes -= record.bytes
    this.#inFlight--
    this.#makeRoom()
    if (this.#inFlight === 0) for (const wake of this.#idleWaiters.splice(0)) wake()
  }

  /** Forgets waiting records whose lease has ended. */
  forgetEnded(): void {
    for (const record of this.#queue.takeWhere(({ lease }) => lease.aborted)) this.#bytes -= record.bytes
    this.#makeRoom()
  }

  hold(): void {
    this.#holding = true
  }

  flow(): void {
    this.#holding = false
    this.#feed()
  }

  /** The iteration ends; idempotent. @returns how many records had waited: nobody began to work on them */
  end(): number {
    if (this.#ended) return 0
    this.#ended = true
    const waiting = this.#queue.takeWhere(() => true)
    for (const record of waiting) this.#bytes -= record.bytes
    this.#taker?.({ done: true, value: undefined })
    this.#taker = undefined
    this.wake()
    return waiting.length
  }

  /** Resolves once nothing is in flight, or after `withinMs`. */
  async idle(withinMs: number): Promise<void> {
    if (this.#inFlight === 0) return
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.setTimeout(resolve, withinMs)
      this.#idleWaiters.push(() => {
        this.#options.clock.clearTimeout(timer)
        resolve()
      })
    })
  }

  /** Whoever waits for room looks again. */
  wake(): void {
    for (const wake of this.#roomWaiters.splice(0)) wake()
  }

  #makeRoom(): void {
    if (this.#roomWaiters.length === 0) return
    if (this.#queue.length <= this.#options.bufferSize * (1 - freeToWake)) this.wake()
  }
}
