/**
 * The producer's side of a stage that works ahead: pulls from a source, one `next()` at a time, whenever it is asked to
 * and its stage has room.
 *
 * open → draining → ended (the source ended or failed); open → ended (closed: what still comes is dropped)
 */
export class Intake<T> {
  readonly #iterator: AsyncIterator<T>
  readonly #onItem: (item: T) => void
  readonly #onEnd: (error?: { readonly reason: unknown }) => void
  #pulling: Promise<void> | undefined
  #ended = false
  #draining = false
  #closed: Promise<void> | undefined

  /** @param on `end` is called once, with the error of a source that failed; neither is called after `close()` */
  constructor(
    source: AsyncIterable<T>,
    on: { readonly item: (item: T) => void; readonly end: (error?: { readonly reason: unknown }) => void },
  ) {
    this.#iterator = source[Symbol.asyncIterator]()
    this.#onItem = on.item
    this.#onEnd = on.end
  }

  get ended(): boolean {
    return this.#ended
  }

  /** A `next()` is under way. */
  get pulling(): boolean {
    return this.#pulling !== undefined
  }

  /** Asks for one more item, unless one is asked for already. */
  pull(): void {
    if (this.#ended || this.#draining || this.#pulling !== undefined) return
    this.#pulling = this.#iterator.next().then(
      (result) => {
        this.#pulling = undefined
        if (this.#ended) return
        if (result.done !== true) {
          this.#onItem(result.value)
          return
        }
        this.#ended = true
        this.#onEnd()
      },
      (reason: unknown) => {
        this.#pulling = undefined
        if (this.#ended) return
        this.#ended = true
        this.#onEnd({ reason })
      },
    )
  }

  /** Closes the source, and waits until it is; idempotent. Does nothing to a source that ended by itself. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  /** Asks the source to end: nothing more is pulled, but an item that was asked for still comes, and then the end. */
  async drain(): Promise<void> {
    if (this.#ended || this.#draining) return
    this.#draining = true
    try {
      await this.#iterator.return?.()
      await this.#pulling
    } finally {
      this.#finish()
    }
  }

  #finish(): void {
    if (this.#ended) return
    this.#ended = true
    this.#onEnd()
  }

  async #close(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    await this.#iterator.return?.()
    await this.#pulling
  }
}
