import type { SourceRecord } from '../delivery/delivery.js'
import { linesSource, type LinesInput } from './lines-source.js'
import type { RecordSource, SourceState } from './record-source.js'

export interface LinesRecordSourceOptions {
  readonly input: LinesInput
  /** Bytes of records handed out and not finished; 1 or more. A single larger record still passes, alone. */
  readonly maxBufferedBytes: number
}

/**
 * A file or stdin as a record source. There is nothing to commit: what was released is read again by the next run, all
 * of it. Ends by itself at the end of the input.
 */
export class LinesRecordSource implements RecordSource {
  readonly #ended = new AbortController()
  readonly #maxBufferedBytes: number
  readonly #records: AsyncIterable<SourceRecord>
  #inFlight = 0
  #bytes = 0
  /** The iteration, while it waits for bytes to be given back. */
  #waiting: (() => void) | undefined

  constructor({ input, maxBufferedBytes }: LinesRecordSourceOptions) {
    if (!(maxBufferedBytes >= 1))
      throw new RangeError(`maxBufferedBytes: expected 1 or more, got ${maxBufferedBytes}`)
    this.#maxBufferedBytes = maxBufferedBytes
    this.#records = linesSource({ input, draining: this.#ended.signal })
  }

  readonly joined = true
  readonly uncommitted = []

  get aliveAt(): number {
    return performance.now()
  }

  readonly waiting = 0

  get state(): SourceState {
    return {
      joined: true,
      waiting: this.waiting,
      inFlight: this.#inFlight,
      bufferedBytes: this.#bytes,
      partitions: [],
    }
  }

  /** Reading begins with the first `next()`; what fails, fails there. */
  start(onJoined: () => void): Promise<void> {
    onJoined()
    return Promise.resolve()
  }

  /** An early `return()` ends it at once, also during a `next()` that waits for input or for room. */
  [Symbol.asyncIterator](): AsyncIterator<SourceRecord, void> {
    const records = this.#handOut()
    return {
      next: () => records.next(),
      return: () => {
        this.beginDrain()
        return records.return()
      },
    }
  }

  async *#handOut(): AsyncGenerator<SourceRecord, void> {
    for await (const record of this.#records) {
      await this.#roomFor(record.bytes)
      if (this.#ended.signal.aborted) return
      this.#inFlight++
      this.#bytes += record.bytes
      yield record
    }
  }

  async #roomFor(bytes: number): Promise<void> {
    while (this.#bytes > 0 && this.#bytes + bytes > this.#maxBufferedBytes && !this.#ended.signal.aborted)
      await new Promise<void>((resolve) => (this.#waiting = resolve))
  }

  #wake(): void {
    this.#waiting?.()
    this.#waiting = undefined
  }

  settle(record: SourceRecord): void {
    this.#inFlight--
    this.#bytes -= record.bytes
    this.#wake()
  }

  release(record: SourceRecord): void {
    this.settle(record)
  }

  beginDrain(): number {
    this.#ended.abort()
    this.#wake()
    return 0
  }

  commit(): Promise<boolean> {
    return Promise.resolve(true)
  }

  leave(): Promise<void> {
    this.beginDrain()
    return Promise.resolve()
  }
}
