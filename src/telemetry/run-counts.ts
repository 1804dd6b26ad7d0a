import type { Clock } from '../pipeline/clock.js'

/** More different labels than this count as `other`: a metric's label sets stay bounded. */
const MAX_LABELS = 32

/** A count per label, of a bounded number of labels. */
export class LabelledCounts {
  readonly #counts = new Map<string, number>()

  add(label: string, count = 1): void {
    const known = this.#counts.get(label)
    if (known === undefined && this.#counts.size >= MAX_LABELS) {
      this.#counts.set('other', (this.#counts.get('other') ?? 0) + count)
    } else {
      this.#counts.set(label, (known ?? 0) + count)
    }
  }

  clear(): void {
    this.#counts.clear()
  }

  get total(): number {
    let total = 0
    for (const count of this.#counts.values()) total += count
    return total
  }

  entries(): IterableIterator<[label: string, count: number]> {
    return this.#counts.entries()
  }
}

/** A number that goes up and down, and its integral over time, from which its mean follows exactly. */
export class Level {
  readonly #clock: Clock
  #value = 0
  #sinceMs: number
  #integral = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#sinceMs = clock.now()
  }

  get value(): number {
    return this.#value
  }

  set(value: number): void {
    const nowMs = this.#clock.now()
    this.#integral += this.#value * (nowMs - this.#sinceMs)
    this.#sinceMs = nowMs
    this.#value = value
  }

  /** The value times the milliseconds that it held, summed up to now. */
  get integral(): number {
    return this.#integral + this.#value * (this.#clock.now() - this.#sinceMs)
  }
}

/**
 * What was counted since the start, as plain numbers: cheap to add to on the hot path. Metrics, the status and the
 * progress line all read from here.
 */
export class RunCounts {
  readonly retries = new LabelledCounts()
  readonly rejected = new LabelledCounts()
  readonly dropped = new LabelledCounts()
  indexed = 0
  deadLettered = 0
  droppedInAll = 0
  released = 0
  fetched = 0
  commits = 0
  commitFailures = 0
  offsetsOutOfRange = 0
  readonly nlp: {
    inFlight: Level
    limit: number
    ok: number
    failed: number
    texts: number
    durationMs: number
  }
  readonly cache = { hits: 0, coalesced: 0, misses: 0 }
  readonly bulk: {
    inFlight: Level
    ok: number
    partial: number
    failed: number
    documents: number
    durationMs: number
  }
  readonly buffered = { records: 0, bytes: 0 }

  constructor(clock: Clock) {
    this.nlp = { inFlight: new Level(clock), limit: 0, ok: 0, failed: 0, texts: 0, durationMs: 0 }
    this.bulk = { inFlight: new Level(clock), ok: 0, partial: 0, failed: 0, documents: 0, durationMs: 0 }
  }

  get settled(): number {
    return this.indexed + this.deadLettered + this.droppedInAll
  }
}
