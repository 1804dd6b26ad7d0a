import { nextReady } from './ready-iterator.js'

export interface IntakeEvents<T> {
  /** An item came. An error that this throws is the stage's own: see `fail`. */
  readonly item: (item: T) => void
  /** The source ended, or was drained, or failed. Called once at most, and never after `close()`. */
  readonly end: (error?: Failure) => void
}

export interface IntakeOptions {
  /** Every item comes by a promise, one that is there already too: consumers have their turn in between. Default false. */
  readonly promised?: boolean
}

/** An error that was thrown, whatever it is: `undefined` can be thrown too. */
export interface Failure {
  readonly reason: unknown
}

/**
 * The upstream side of a stage: pulls from a source, one item at a time, whenever its stage has room. An item that is there
 * already comes before `pull()` returns; if that was called from within `item`, once `item` has returned.
 *
 *     open ──the source ends or fails──▶ ended ◀──close(), fail()── open, draining
 *     open ──drain()──▶ draining ──what was asked for has come──▶ ended
 */
export class Intake<T> {
  readonly #iterator: AsyncIterator<T>
  readonly #on: IntakeEvents<T>
  readonly #promised: boolean
  #state: 'open' | 'draining' | 'ended' = 'open'
  #pulling: Promise<void> | undefined
  /** In the loop of `pull()`, and whether one more is asked for. */
  #taking = false
  #wanted = false
  #closing: Promise<void> | undefined

  constructor(source: AsyncIterable<T>, on: IntakeEvents<T>, { promised = false }: IntakeOptions = {}) {
    this.#iterator = source[Symbol.asyncIterator]()
    this.#on = on
    this.#promised = promised
  }

  /** Nothing comes any more. */
  get ended(): boolean {
    return this.#state === 'ended'
  }

  /** A `next()` is under way. */
  get pulling(): boolean {
    return this.#pulling !== undefined
  }

  /** Asks for one more item, unless one is asked for already. */
  pull(): void {
    if (!this.#mayPull) return
    this.#wanted = true
    if (this.#taking) return
    this.#taking = true
    do {
      this.#wanted = false
      if (!this.pullReady()) this.#ask()
    } while (this.#wantsMore)
    this.#taking = false
  }

  /** Takes one item, if it is there already. Whether it was. */
  pullReady(): boolean {
    if (!this.#mayPull || this.#promised) return false
    let ready: IteratorResult<T> | undefined
    try {
      ready = nextReady(this.#iterator)
    } catch (reason) {
      this.#end({ reason })
      return true
    }
    if (ready !== undefined) this.#received(ready)
    return ready !== undefined
  }

  get #mayPull(): boolean {
    return this.#state === 'open' && this.#pulling === undefined
  }

  get #wantsMore(): boolean {
    return this.#wanted && this.#mayPull
  }

  #ask(): void {
    try {
      this.#pulling = this.#iterator.next().then(this.#received, this.#failed)
    } catch (reason) {
      // It threw instead of rejecting, which is as good.
      this.#end({ reason })
    }
  }

  /**
   * Closes the source and waits until it is closed; what still comes is dropped. Does nothing to a source that has ended.
   * Idempotent.
   *
   * @throws what the source's `return()` throws
   */
  close(): Promise<void> {
    if (this.#state === 'ended') return this.#closing ?? Promise.resolve()
    this.#state = 'ended'
    return (this.#closing ??= this.#return())
  }

  /**
   * Asks the source to end: nothing more is pulled, but an item that was asked for still comes, and then the end.
   * Idempotent.
   *
   * @throws what the source's `return()` throws, after the end
   */
  drain(): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'draining'
      this.#closing = this.#return().finally(() => {
        this.#end()
      })
    }
    return this.#closing ?? Promise.resolve()
  }

  /** The stage's own work failed: closes the source, then ends with this error. The first one counts. */
  fail(reason: unknown): void {
    if (this.#state === 'ended') return
    const ended = () => {
      this.#on.end({ reason })
    }
    this.close().then(ended, ended)
  }

  readonly #received = (result: IteratorResult<T>): void => {
    this.#pulling = undefined
    if (this.#state === 'ended') return
    if (result.done === true) {
      this.#end()
      return
    }
    try {
      this.#on.item(result.value)
    } catch (reason) {
      this.fail(reason)
    }
  }

  readonly #failed = (reason: unknown): void => {
    this.#pulling = undefined
    this.#end({ reason })
  }

  #end(error?: Failure): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#on.end(error)
  }

  async #return(): Promise<void> {
    try {
      await this.#iterator.return?.()
    } finally {
      await this.#pulling
    }
  }
}
