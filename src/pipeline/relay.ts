import { Intake } from './intake.js'
import { Outbox } from './outbox.js'
import type { ReadyIterator } from './ready-iterator.js'
import type { Stage } from './stage.js'

export interface RelayOptions<In, Out> {
  /** Hands on what it makes of an item, in order. An error that it throws ends the stage. */
  readonly take: (item: In, handOn: (out: Out) => void) => void
  /** Results that may wait for the consumer. With 0 it pulls only while the consumer waits. */
  readonly ahead: number
}

/** A stage that deals with one item after the other, at once. */
export function relay<In, Out>(options: RelayOptions<In, Out>): Stage<In, Out> {
  return (source) => ({ [Symbol.asyncIterator]: () => new Relay(source, options) })
}

/** Where an intake and an outbox meet. An early `return()` gets through to the source even while that keeps it waiting. */
export class Relay<In, Out> implements ReadyIterator<Out> {
  readonly #intake: Intake<In>
  readonly #outbox = new Outbox<Out>()
  readonly #ahead: number

  constructor(source: AsyncIterable<In>, { take, ahead }: RelayOptions<In, Out>) {
    this.#ahead = ahead
    const handOn = (out: Out) => {
      this.#outbox.push(out)
    }
    this.#intake = new Intake(source, {
      item: (item) => {
        take(item, handOn)
        this.#fill()
      },
      end: (error) => {
        this.#outbox.close(error)
      },
    })
  }

  next(): Promise<IteratorResult<Out>> {
    const next = this.#outbox.next()
    this.#fill()
    return next
  }

  nextReady(): IteratorResult<Out> | undefined {
    while (this.#outbox.length === 0 && this.#intake.pullReady());
    const ready = this.#outbox.nextReady()
    if (this.#ahead > 0) this.#fill()
    return ready
  }

  async return(): Promise<IteratorResult<Out>> {
    this.#outbox.discard()
    try {
      await this.#intake.close()
    } finally {
      this.#outbox.close()
    }
    return { done: true, value: undefined }
  }

  /** Ends the source; an item that it was asked for is still handed on. @throws what the source's `return()` throws */
  drain(): Promise<void> {
    return this.#intake.drain()
  }

  #fill(): void {
    if (this.#outbox.wanted || this.#outbox.length < this.#ahead) this.#intake.pull()
  }
}
