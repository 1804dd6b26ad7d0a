import type { SourceRecord } from '../delivery/delivery.js'
import { linesSource, type LinesInput } from './lines-source.js'
import type { RecordSource, SourceState } from './record-source.js'

/**
 * A file or stdin as a record source. There is nothing to commit: what was released is read again by the next run, all
 * of it. Ends by itself at the end of the input.
 */
export class LinesRecordSource implements RecordSource {
  readonly #draining = new AbortController()
  readonly #records: AsyncIterable<SourceRecord>
  #inFlight = 0
  #bytes = 0

  constructor(input: LinesInput) {
    this.#records = linesSource({ input, draining: this.#draining.signal })
  }

  readonly joined = true
  readonly uncommitted = []

  get aliveAt(): number {
    return performance.now()
  }

  get state(): SourceState {
    return { joined: true, waiting: 0, inFlight: this.#inFlight, bufferedBytes: this.#bytes, partitions: [] }
  }

  /** Reading begins with the first `next()`; what fails, fails there. */
  start(onJoined: () => void): Promise<void> {
    onJoined()
    return Promise.resolve()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SourceRecord, void> {
    for await (const record of this.#records) {
      this.#inFlight++
      this.#bytes += record.bytes
      yield record
    }
  }

  settle(record: SourceRecord): void {
    this.#inFlight--
    this.#bytes -= record.bytes
  }

  release(record: SourceRecord): void {
    this.settle(record)
  }

  beginDrain(): number {
    this.#draining.abort()
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
