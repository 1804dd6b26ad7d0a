import { checkAmount, checkCount } from './bound.js'
import { systemClock, type Clock } from './clock.js'
import { Intake, type Failure } from './intake.js'
import { Outbox } from './outbox.js'
import type { Stage } from './stage.js'

export interface BatchOptions<T> {
  /** Items of a batch at most; an integer from 1. */
  readonly count: number
  /** Bytes of a batch at most, by `sizeOf`; an integer from 1. A single larger item makes a batch of its own. */
  readonly bytes: number
  /** How long a batch's first item may wait for others, in ms; 0 or more. With 0 a batch is what is there. */
  readonly ageMs: number
  /** The bytes of an item; 0 or more. An error that it throws ends the stage. */
  readonly sizeOf: (item: T) => number
  /** Default: the system's. */
  readonly clock?: Clock
}

/**
 * Gathers items into arrays, in order. A batch is due when it is full by count or bytes, when its first item has waited
 * `ageMs`, or when the source ends; whichever comes first. While nobody asks for it, a batch that is due goes on filling.
 *
 * Holds one batch and one item. An error, of the source or of `sizeOf`, comes after the batch that was being filled. An
 * early `return()` closes the source and drops what was gathered.
 *
 * @throws RangeError for a bound that is none
 */
export function batch<T>(options: BatchOptions<T>): Stage<T, T[]> {
  checkCount('count', options.count)
  checkCount('bytes', options.bytes)
  checkAmount('ageMs', options.ageMs)
  return (source) => ({ [Symbol.asyncIterator]: () => new Batcher(source, options) })
}

interface Filling<T> {
  readonly items: T[]
  bytes: number
  /** When its first item came. */
  readonly sinceMs: number
}

/** empty ──an item──▶ filling ──full, aged, or the source ended──▶ due ──asked for──▶ empty, or filling with what did not fit */
class Batcher<T> implements AsyncIterator<T[]> {
  readonly #options: BatchOptions<T>
  readonly #clock: Clock
  readonly #intake: Intake<T>
  readonly #outbox = new Outbox<T[]>()
  #filling: Filling<T> | undefined
  /** Begun with the item whose bytes did not fit. */
  #next: Filling<T> | undefined
  #aged = false
  #timer: unknown
  #ending: { readonly error: Failure | undefined } | undefined

  constructor(source: AsyncIterable<T>, options: BatchOptions<T>) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#intake = new Intake(source, {
      item: (item) => {
        this.#add(item)
        this.#handOn()
      },
      end: (error) => {
        this.#ending = { error }
        this.#handOn()
      },
    })
  }

  next(): Promise<IteratorResult<T[]>> {
    const next = this.#outbox.next()
    this.#handOn()
    return next
  }

  async return(): Promise<IteratorResult<T[]>> {
    this.#outbox.discard()
    try {
      await this.#intake.close()
    } finally {
      this.#next = undefined
      this.#begin(undefined)
      this.#outbox.close()
    }
    return { done: true, value: undefined }
  }

  #add(item: T): void {
    const bytes = checkAmount('sizeOf', this.#options.sizeOf(item))
    const filling = this.#filling
    if (filling !== undefined && filling.bytes + bytes <= this.#options.bytes) {
      filling.items.push(item)
      filling.bytes += bytes
      return
    }
    const begun = { items: [item], bytes, sinceMs: this.#clock.now() }
    if (filling === undefined) this.#begin(begun)
    else this.#next = begun
  }

  get #full(): boolean {
    if (this.#filling === undefined) return false
    const { items, bytes } = this.#filling
    return this.#next !== undefined || items.length >= this.#options.count || bytes >= this.#options.bytes
  }

  /** Hands on what is due, where somebody asks for it, and sees to it that more comes. */
  #handOn(): void {
    while (this.#filling !== undefined && this.#outbox.wanted && this.#due) {
      const { items } = this.#filling
      this.#begin(this.#next)
      this.#next = undefined
      this.#outbox.push(items)
    }
    if (this.#ending !== undefined && this.#filling === undefined) this.#outbox.close(this.#ending.error)
    if (!this.#full) this.#intake.pull()
  }

  get #due(): boolean {
    return this.#full || this.#aged || this.#ending !== undefined
  }

  #begin(filling: Filling<T> | undefined): void {
    this.#filling = filling
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#aged = false
    if (filling === undefined) return
    const leftMs = filling.sinceMs + this.#options.ageMs - this.#clock.now()
    if (leftMs <= 0) this.#aged = true
    else this.#timer = this.#clock.setTimeout(this.#age, leftMs)
  }

  readonly #age = (): void => {
    this.#aged = true
    this.#handOn()
  }
}
