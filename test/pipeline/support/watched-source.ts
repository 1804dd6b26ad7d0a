import { setImmediate } from 'node:timers/promises'
import type { ReadyIterator } from '../../../src/pipeline/ready-iterator.js'

export interface WatchedSourceOptions {
  /** After the items: ends (the default), throws `sourceError`, or waits until it is closed. */
  readonly then?: 'end' | 'throw' | 'wait'
  /** Awaited before each answer. Default: nothing. */
  readonly pace?: () => Promise<unknown>
}

export const sourceError = new Error('the source failed')

/** A source that counts what is done to it. Like a queue and unlike a generator, it can be closed while it is waited for. */
export class WatchedSource<T> implements AsyncIterable<T>, AsyncIterator<T> {
  /** Items handed out. */
  readonly given: T[] = []
  /** Calls of `return()`. */
  closed = 0
  /** It has said that it ended, or has thrown. */
  ended = false
  /** Calls of `next()` that are pending, and the most that ever were. */
  pending = 0
  maxPending = 0
  readonly #items: Iterator<T>
  readonly #options: WatchedSourceOptions
  #close: () => void = () => undefined
  readonly #closing: Promise<void>

  constructor(items: Iterable<T>, options: WatchedSourceOptions = {}) {
    this.#items = items[Symbol.iterator]()
    this.#options = options
    this.#closing = new Promise((resolve) => (this.#close = resolve))
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<T>> {
    this.pending++
    this.maxPending = Math.max(this.maxPending, this.pending)
    try {
      await this.#options.pace?.()
      return await this.#answer()
    } finally {
      this.pending--
    }
  }

  async return(): Promise<IteratorResult<T>> {
    this.closed++
    this.#close()
    return { done: true, value: undefined }
  }

  /** The next item or the end, unless it was closed or takes its time. */
  protected takeReady(): IteratorResult<T> | undefined {
    if (this.#options.pace !== undefined || this.ended) return undefined
    const result = this.#take()
    const { then = 'end' } = this.#options
    if (result !== undefined || then !== 'end' || this.closed > 0) return result
    this.ended = true
    return { done: true, value: undefined }
  }

  #take(): IteratorResult<T> | undefined {
    const result = this.closed > 0 ? undefined : this.#items.next()
    if (result === undefined || result.done === true) return undefined
    this.given.push(result.value)
    return result
  }

  async #answer(): Promise<IteratorResult<T>> {
    const result = this.#take()
    if (result !== undefined) return result
    if (this.#options.then === 'wait') await this.#closing
    this.ended = true
    if (this.#options.then === 'throw') throw sourceError
    return { done: true, value: undefined }
  }
}

/** The same, whose items are there before they are asked for. */
export class ReadySource<T> extends WatchedSource<T> implements ReadyIterator<T> {
  nextReady(): IteratorResult<T> | undefined {
    return this.takeReady()
  }
}

export function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

/** Lets everything that waits for nothing but promises run out. */
export async function turns(count = 3): Promise<void> {
  for (let turn = 0; turn < count; turn++) await setImmediate()
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** Collects until the end or the error. */
export async function collectUntilError<T>(
  items: AsyncIterable<T>,
): Promise<{ readonly all: T[]; readonly error: unknown }> {
  const all: T[] = []
  try {
    for await (const item of items) all.push(item)
  } catch (error) {
    return { all, error }
  }
  return { all, error: undefined }
}
