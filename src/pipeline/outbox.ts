import { deferred, type Deferred } from './deferred.js'
import { Fifo } from './fifo.js'

/**
 * The consumer's side of a stage that works ahead: what is ready waits here, and a consumer that asked too early waits
 * for it. Several `next()` at once are answered in the order in which they were asked.
 *
 * open → closed (no more items come; what is ready is still handed out, then the error, if any, then the end)
 */
export class Outbox<T> {
  readonly #ready = new Fifo<T>()
  readonly #takers = new Fifo<Deferred<IteratorResult<T>>>()
  #closed = false
  #error: { readonly reason: unknown } | undefined

  /** Items that nobody has taken yet. */
  get length(): number {
    return this.#ready.length
  }

  /** Somebody waits for an item. */
  get wanted(): boolean {
    return this.#takers.length > 0
  }

  push(item: T): void {
    if (this.#takers.length > 0) this.#takers.shift().resolve({ done: false, value: item })
    else this.#ready.push(item)
  }

  /** No more items come; `error` is thrown once, after what is ready. */
  close(error?: { readonly reason: unknown }): void {
    if (this.#closed) return
    this.#closed = true
    this.#error = error
    while (this.#takers.length > 0) this.#end(this.#takers.shift())
  }

  /** Forgets what is ready. */
  clear(): void {
    this.#ready.clear()
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#ready.length > 0) return Promise.resolve({ done: false, value: this.#ready.shift() })
    const taker = deferred<IteratorResult<T>>()
    if (this.#closed) this.#end(taker)
    else this.#takers.push(taker)
    return taker.promise
  }

  #end(taker: Deferred<IteratorResult<T>>): void {
    const error = this.#error
    this.#error = undefined
    if (error === undefined) taker.resolve({ done: true, value: undefined })
    else taker.reject(error.reason)
  }
}
