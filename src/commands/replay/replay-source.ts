import { completed, readDeadLetter, type ReturnedLetter } from '../../dead-letter/read-dead-letter.js'
import type { LetterLog, LyingLetter } from '../../dead-letter/letter-log.js'
import type { DeadLetter } from '../../dead-letter/dead-letter.js'
import type { PendingCommit } from '../../delivery/committer.js'
import type { SourceRecord } from '../../delivery/delivery.js'
import { EnrichdError } from '../../errors.js'
import { sleep } from '../../pipeline/sleep.js'
import type { Telemetry } from '../../telemetry/telemetry.js'
import { LetterPartLedger } from './letter-part-ledger.js'
import type { Selection } from './selection.js'

export interface ReplaySourceOptions {
  readonly log: LetterLog
  readonly selection: Selection
  /** Finds the whole record of a letter that holds its beginning only; undefined where it is gone. */
  readonly original: (record: SourceRecord) => Promise<Pick<DeadLetter, 'key' | 'value'> | undefined>
  /** Bytes of records handed out and not finished. A larger single record goes alone. */
  readonly maxBufferedBytes: number
  /** Aborted: nothing more is read or handed out; the iteration ends. */
  readonly draining: AbortSignal
  readonly telemetry: Telemetry
}

/** What was met so far. */
export interface ReplayCounts {
  /** Dead letters of ours, selected or not. */
  read: number
  /** No dead letters of ours. */
  foreign: number
  /** Brought back by earlier runs, and so left out. */
  before: number
  /** The topics of those that were read. */
  readonly topics: Set<string>
  /** Selected, by reason and topic. */
  readonly selected: Map<string, number>
  /** Selected, and cannot be brought back: cut, and the original is gone. */
  lost: number
}

const RETRY_MS = 1000
/** Ids of records that are finished, remembered to leave out second letters of them. */
const MOST_IDS = 100_000

/** Letters of one record; a crash can leave two of them. */
interface Returning {
  readonly letter: ReturnedLetter
  readonly untraced: { readonly ledger: LetterPartLedger; readonly offset: number }[]
}

/**
 * The selected dead letters that are there when it is opened, as the records that they were. Reads what is needed and no
 * more; every record handed out comes back by `settle` or `release`, once. A second letter of a record that is on its way,
 * or done, goes with the first.
 */
export class ReplaySource implements AsyncIterable<SourceRecord> {
  readonly counts: ReplayCounts = {
    read: 0,
    foreign: 0,
    before: 0,
    topics: new Set(),
    selected: new Map(),
    lost: 0,
  }
  readonly #options: ReplaySourceOptions
  readonly #returning = new Map<string, Returning>()
  readonly #done = new Set<string>()
  #ledgers: readonly LetterPartLedger[] = []
  #bytes = 0
  #reading = true
  #wake: () => void = () => undefined

  constructor(options: ReplaySourceOptions) {
    this.#options = options
    options.draining.addEventListener('abort', () => {
      this.#wake()
    })
  }

  /** For the sink: more comes at once. */
  get waiting(): number {
    return this.#reading ? Infinity : 0
  }

  /** Everything that was there is read and handed out. */
  get complete(): boolean {
    return !this.#reading
  }

  /** Looks at what is there. @throws EnrichdError */
  async open(): Promise<void> {
    const { log } = this.#options
    const parts = await log.open()
    this.#ledgers = parts.map((part) => new LetterPartLedger(part, log.maxTraceBytes))
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SourceRecord, void> {
    for (const ledger of this.#ledgers) {
      for await (const letter of this.#selected(ledger)) {
        const { record } = letter
        if (!(await this.#room(record.bytes))) return
        this.#bytes += record.bytes
        yield record
      }
    }
    this.#reading = this.#options.draining.aborted
  }

  /** Counts what would be brought back, and hands nothing out. */
  async count(): Promise<void> {
    for (const ledger of this.#ledgers) {
      for await (const { record } of this.#selected(ledger)) {
        this.#bytes += record.bytes
        this.settle(record)
      }
    }
  }

  /** What is known of a record that was handed out. */
  letterOf(record: SourceRecord): ReturnedLetter | undefined {
    return this.#returning.get(record.id)?.letter
  }

  /** It was brought back: indexed, dropped by a policy, or among the dead letters again. */
  settle(record: SourceRecord): void {
    const { untraced } = this.#finish(record) ?? { untraced: [] }
    for (const { ledger, offset } of untraced) ledger.settle(offset)
    if (this.#done.size < MOST_IDS) this.#done.add(record.id)
  }

  /** It stays where it is, for the next run. */
  release(record: SourceRecord): void {
    this.#finish(record)
  }

  /** What was brought back and is not noted yet. */
  unsaved(): readonly PendingCommit[] {
    return this.#ledgers.flatMap((ledger) => ledger.unsaved ?? [])
  }

  saved(traces: readonly PendingCommit[]): void {
    for (const trace of traces) {
      const { topic, partition } = trace
      this.#ledgers.find(({ part }) => part.topic === topic && part.partition === partition)?.saved(trace)
    }
  }

  #finish(record: SourceRecord): Returning | undefined {
    const returning = this.#returning.get(record.id)
    this.#returning.delete(record.id)
    this.#bytes -= record.bytes
    this.#wake()
    return returning
  }

  async *#selected(ledger: LetterPartLedger): AsyncGenerator<ReturnedLetter, void> {
    const { selection, draining, log } = this.#options
    const { part } = ledger
    let position = selection.again ? part.earliest : part.tracedUpTo
    if (!selection.again) this.counts.before += Math.max(0, part.tracedUpTo - part.earliest)
    while (position < part.end) {
      const at = position
      const read = await this.#patiently(() => log.read(part, at))
      if (read === undefined) return
      for (const lying of read.letters) {
        if (draining.aborted) return
        const letter = await this.#look(lying, ledger)
        if (letter !== undefined) yield letter
      }
      ledger.advance(read.position)
      position = read.position
    }
  }

  /** Asks until there is an answer: an outage is waited for. Undefined where the drain came first. */
  async #patiently<T>(ask: () => Promise<T>): Promise<T | undefined> {
    const { draining, telemetry } = this.#options
    const startedMs = performance.now()
    for (let tries = 1; !draining.aborted; tries++) {
      try {
        const answer = await ask()
        if (tries > 1) telemetry.dependencyUp('kafka', performance.now() - startedMs)
        return answer
      } catch (error) {
        if (!(error instanceof EnrichdError) || error.kind === 'setting') throw error
        if (tries === 1) telemetry.dependencyDown('kafka', error)
        else telemetry.dependencyStillDown('kafka', error, performance.now() - startedMs)
        await sleep(RETRY_MS, { signal: draining }).catch(() => undefined)
      }
    }
    return undefined
  }

  /** The letter, if it is selected and this is the first one of its record. */
  async #look(lying: LyingLetter, ledger: LetterPartLedger): Promise<ReturnedLetter | undefined> {
    const { selection } = this.#options
    const before = ledger.track(lying.offset)
    const letter = readDeadLetter(lying)
    if (letter === undefined) {
      this.counts.foreign++
      if (!before) ledger.settle(lying.offset)
      return undefined
    }
    this.counts.read++
    this.counts.topics.add(letter.record.topic)
    if (!selection.selects(letter)) return undefined
    if (before && !selection.again) {
      this.counts.before++
      return undefined
    }
    return this.#first(letter, { ledger, offset: lying.offset, before })
  }

  async #first(
    letter: ReturnedLetter,
    { ledger, offset, before }: { ledger: LetterPartLedger; offset: number; before: boolean },
  ): Promise<ReturnedLetter | undefined> {
    const { id, topic } = letter.record
    const untraced = before ? [] : [{ ledger, offset }]
    const returning = this.#returning.get(id)
    if (returning !== undefined) returning.untraced.push(...untraced)
    else if (this.#done.has(id)) for (const each of untraced) each.ledger.settle(each.offset)
    else {
      const whole = await this.#whole(letter)
      if (whole === undefined) return undefined
      this.#returning.set(id, { letter: whole, untraced })
      const key = JSON.stringify([letter.reason, topic])
      this.counts.selected.set(key, (this.counts.selected.get(key) ?? 0) + 1)
      return whole
    }
    return undefined
  }

  async #whole(letter: ReturnedLetter): Promise<ReturnedLetter | undefined> {
    if (letter.truncatedFromBytes === undefined || this.#options.selection.dryRun) return letter
    const found = await this.#patiently(() => this.#options.original(letter.record))
    if (found !== undefined) return completed(letter, found)
    if (this.#options.draining.aborted) return undefined
    this.counts.lost++
    const { topic, partition, offset } = letter.record
    const message = 'a dead letter holds only the beginning of its record, and the record is gone'
    this.#options.telemetry.warning('replay.lost', message, { topic, partition, offset })
    return undefined
  }

  /** Waits until so many more bytes may be held. False where the drain came first. */
  async #room(bytes: number): Promise<boolean> {
    const { maxBufferedBytes, draining } = this.#options
    while (this.#bytes > 0 && this.#bytes + bytes > maxBufferedBytes && !draining.aborted)
      await new Promise<void>((resolve) => (this.#wake = resolve))
    return !draining.aborted
  }
}
