import { Fifo } from './fifo.js'
import type { Failure } from './intake.js'

interface Taker<T> {
  readonly resolve: (result: IteratorResult<T>) => void
  readonly reject: (reason: unknown) => void
}

/**
 * The downstream side of a stage: what is ready waits here, and a consumer that asked too early waits for it. Several
 * `next()` at once are answered in the order in which they were asked.
 *
 *     open ──close()──▶ closed: what is ready is still handed out, then the error, if any, once, then the end
 *     open, closed ──discard()──▶ discarding ──close()──▶ closed, with nothing ready and no error
 */
export class Outbox<T> {
  readonly #ready = new Fifo<T>()
  readonly #takers = new Fifo<Taker<T>>()
  #discarding = false
  #closed = false
  #error: Failure | undefined

  /** Items that nobody has taken yet. */
  get length(): number {
    return this.#ready.length
  }

  /** Somebody waits for an item. */
  get wanted(): boolean {
    return this.#takers.length > 0
  }

  push(item: T): void {
    if (this.#discarding) return
    if (this.#takers.length > 0) this.#takers.shift().resolve({ done: false, value: item })
    else this.#ready.push(item)
  }

  /** No more items come. */
  close(error?: Failure): void {
    if (this.#closed) return
    this.#closed = true
    if (!this.#discarding) this.#error = error
    while (this.#takers.length > 0) this.#end(this.#takers.shift())
  }

  /** The consumer has stopped: forgets what is ready, and what still comes. */
  discard(): void {
    this.#discarding = true
    this.#error = undefined
    this.#ready.clear()
  }

  /** See `ReadyIterator`. */
  nextReady(): IteratorResult<T> | undefined {
    if (this.#ready.length > 0) return { done: false, value: this.#ready.shift() }
    return this.#closed && this.#error === undefined ? { done: true, value: undefined } : undefined
  }

  next(): Promise<IteratorResult<T>> {
    const ready = this.nextReady()
    return ready === undefined ? new Promise(this.#waitForItem) : Promise.resolve(ready)
  }

  /** Made once: a closure for each item that is waited for is garbage that every hop would make. */
  readonly #waitForItem = (resolve: Taker<T>['resolve'], reject: Taker<T>['reject']): void => {
    const taker = { resolve, reject }
    if (this.#closed) this.#end(taker)
    else this.#takers.push(taker)
  }

  #end(taker: Taker<T>): void {
    const error = this.#error
    this.#error = undefined
    if (error === undefined) taker.resolve({ done: true, value: undefined })
    else taker.reject(error.reason)
  }
}
