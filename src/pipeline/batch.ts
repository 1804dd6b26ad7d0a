import { checkAmount, checkCount } from './bound.js'
import { systemClock, type Clock } from './clock.js'
import { Intake } from './intake.js'
import { Outbox } from './outbox.js'
import type { Stage } from './stage.js'

export interface BatchOptions<T> {
  /** Items of a batch at most; an integer from 1. */
  readonly count: number
  /** Bytes of a batch at most, by `sizeOf`; an integer from 1. A single larger item makes a batch of its own. */
  readonly bytes: number
  /** From a batch's first item until it is handed on, in ms; 0 or more. */
  readonly ageMs: number
  readonly sizeOf: (item: T) => number
  /** Default: the system's. */
  readonly clock?: Clock
}

/**
 * Gathers items into arrays, in order. A batch is handed on when it is full by count or bytes, when its first item has
 * waited `ageMs`, or when the source ends; whichever comes first. While nobody asks, a batch that is due goes on filling.
 *
 * Holds one batch and one item. An error of the source comes after the batch that was being filled. An early `return()`
 * closes the source and drops what was gathered.
 *
 * @throws RangeError for a bound that is none
 */
export function batch<T>(options: BatchOptions<T>): Stage<T, T[]> {
  checkCount('count', options.count)
  checkCount('bytes', options.bytes)
  checkAmount('ageMs', options.ageMs)
  return (source) => ({ [Symbol.asyncIterator]: () => new Batcher(source, options) })
}

/** empty → filling (the age runs) → due (full or aged) → empty; at the end of the source what is there is due */
class Batcher<T> implements AsyncIterator<T[]> {
  readonly #options: BatchOptions<T>
  readonly #clock: Clock
  readonly #intake: Intake<T>
  readonly #outbox = new Outbox<T[]>()
  #items: T[] = []
  #bytes = 0
  #due = false
  #timer: unknown
  /** Came when the batch was full by bytes: the first of the next one. */
  #spare: T | undefined
  #hasSpare = false

  constructor(source: AsyncIterable<T>, options: BatchOptions<T>) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#intake = new Intake(source, {
      item: (item) => {
        this.#add(item)
        this.#fill()
      },
      end: (error) => {
        this.#due = this.#items.length > 0
        this.#flush()
        if (this.#items.length === 0) this.#outbox.close(error)
        else this.#ending = { error }
      },
    })
  }

  #ending: { readonly error: { readonly reason: unknown } | undefined } | undefined

  next(): Promise<IteratorResult<T[]>> {
    const next = this.#outbox.next()
    this.#flush()
    this.#fill()
    return next
  }

  async return(): Promise<IteratorResult<T[]>> {
    this.#stopTimer()
    this.#items = []
    this.#hasSpare = false
    try {
      await this.#intake.close()
    } finally {
      this.#outbox.close()
    }
    return { done: true, value: undefined }
  }

  #fill(): void {
    if (!this.#isFull()) this.#intake.pull()
  }

  #isFull(): boolean {
    return this.#hasSpare || this.#items.length >= this.#options.count || this.#bytes >= this.#options.bytes
  }

  #add(item: T): void {
    const size = this.#options.sizeOf(item)
    if (this.#items.length > 0 && this.#bytes + size > this.#options.bytes) {
      this.#spare = item
      this.#hasSpare = true
    } else {
      this.#items.push(item)
      this.#bytes += size
      if (this.#items.length === 1) this.#startTimer()
    }
    if (this.#isFull()) this.#due = true
    this.#flush()
  }

  /** Hands on what is due, if somebody asks for it. */
  #flush(): void {
    if (!this.#due || !this.#outbox.wanted) return
    const items = this.#items
    this.#stopTimer()
    this.#items = []
    this.#bytes = 0
    this.#due = false
    this.#outbox.push(items)
    if (this.#hasSpare) this.#takeSpare()
    if (this.#ending === undefined) return
    if (this.#items.length === 0) this.#outbox.close(this.#ending.error)
    else this.#due = true
  }

  #takeSpare(): void {
    const spare = this.#spare as T
    this.#spare = undefined
    this.#hasSpare = false
    this.#add(spare)
  }

  #startTimer(): void {
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined
      this.#due = true
      this.#flush()
      this.#fill()
    }, this.#options.ageMs)
  }

  #stopTimer(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
