import { systemClock, type Clock } from './clock.js'
import { checkAmount, checkCount } from './bound.js'
import { deferred } from './deferred.js'
import { mapConcurrent } from './map-concurrent.js'
import { Intake } from './intake.js'
import { Outbox } from './outbox.js'
import type { Stage } from './stage.js'

/** A pipeline that was shut down is asked for more. */
export class PipelineClosedError extends Error {
  override readonly name = 'PipelineClosedError'
}

/** What has passed a pipeline so far. */
export interface PipelineCounters {
  /** Items pulled from the source. */
  readonly taken: number
  /** Items that `settle` finished. */
  readonly settled: number
  /** Calls of `settle`'s function that failed. */
  readonly failed: number
}

export interface ShutdownOptions {
  /** How long what is under way may take to finish, in ms; 0 or more. */
  readonly timeoutMs: number
}

export interface SettleOptions {
  /** Calls of the function that may be pending at once; an integer from 1. Default 1. */
  readonly concurrency?: number
}

/**
 * A source and the stages behind it. Nothing runs until it is iterated or settled; it can be run once.
 *
 * open → running → shutting down → closed
 */
export interface Pipeline<T> extends AsyncIterable<T> {
  /** The same with one more stage behind it. */
  through<Out>(stage: Stage<T, Out>): Pipeline<Out>
  /**
   * Runs it to its end: calls `finish` for each item. Resolves when the source ended and everything is finished.
   *
   * @throws what a stage or `finish` threw first, after what was in flight has ended; PipelineClosedError after a shutdown
   */
  settle(finish: (item: T) => void | Promise<void>, options?: SettleOptions): Promise<void>
  readonly counters: PipelineCounters
  /**
   * Takes nothing more from the source, lets what was taken finish, and closes. New work is refused from now on with
   * a PipelineClosedError. Idempotent: the same promise for every caller.
   *
   * @throws AggregateError with everything that failed, a missed deadline among it
   */
  shutdown(options: ShutdownOptions): Promise<void>
}

/**
 * The beginning of a pipeline.
 *
 * @example
 * const words = pipeline(lines)
 *   .through(mapConcurrent(fetchWord, { concurrency: 10, order: 'input' }))
 *   .through(batch({ count: 50, bytes: 5e6, ageMs: 1000, sizeOf: () => 1 }))
 * for await (const fifty of words) await store(fifty)
 */
export function pipeline<T>(
  source: AsyncIterable<T> | Iterable<T>,
  { clock = systemClock }: { readonly clock?: Clock } = {},
): Pipeline<T> {
  const head = new Head(Symbol.asyncIterator in source ? source : toAsync(source))
  return new Chain(new Run(head, clock), head)
}

function toAsync<T>(items: Iterable<T>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = items[Symbol.iterator]()
      return {
        next: () => Promise.resolve(iterator.next()),
        return: () => Promise.resolve(iterator.return?.() ?? { done: true, value: undefined }),
      }
    },
  }
}

/** What a whole pipeline shares, however many stages it has. */
class Run {
  readonly head: Pick<Head<unknown>, 'stop' | 'taken'>
  readonly clock: Clock
  readonly errors: unknown[] = []
  readonly ended = deferred<undefined>()
  started = false
  settled = 0
  #closing: Promise<void> | undefined

  constructor(head: Run['head'], clock: Clock) {
    this.head = head
    this.clock = clock
  }

  begin(): void {
    if (this.#closing !== undefined) throw new PipelineClosedError('the pipeline was shut down')
    if (this.started) throw new PipelineClosedError('the pipeline has run: a pipeline runs once')
    this.started = true
  }

  shutdown({ timeoutMs }: ShutdownOptions): Promise<void> {
    checkAmount('timeoutMs', timeoutMs)
    this.#closing ??= this.#close(timeoutMs)
    return this.#closing
  }

  async #close(timeoutMs: number): Promise<void> {
    const late = deferred<undefined>()
    const timer = this.clock.setTimeout(() => {
      this.errors.push(new Error(`the pipeline did not finish within ${timeoutMs} ms`))
      late.resolve(undefined)
    }, timeoutMs)
    const closing = this.head.stop().catch((error: unknown) => {
      this.errors.push(error)
    })
    await Promise.race([Promise.all([closing, this.started ? this.ended.promise : undefined]), late.promise])
    this.clock.clearTimeout(timer)
    if (this.errors.length > 0) throw new AggregateError([...this.errors], 'the pipeline ended with errors')
  }
}

class Chain<T> implements Pipeline<T> {
  readonly #run: Run
  readonly #items: AsyncIterable<T>

  constructor(run: Run, items: AsyncIterable<T>) {
    this.#run = run
    this.#items = items
  }

  get counters(): PipelineCounters {
    return { taken: this.#run.head.taken, settled: this.#run.settled, failed: this.#run.errors.length }
  }

  through<Out>(stage: Stage<T, Out>): Pipeline<Out> {
    return new Chain(this.#run, stage(this.#items))
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void> {
    this.#run.begin()
    try {
      yield* this.#items
    } catch (error) {
      this.#run.errors.push(error)
      throw error
    } finally {
      this.#run.ended.resolve(undefined)
    }
  }

  async settle(
    finish: (item: T) => void | Promise<void>,
    { concurrency = 1 }: SettleOptions = {},
  ): Promise<void> {
    checkCount('concurrency', concurrency)
    this.#run.begin()
    const work = (item: T): void | Promise<void> => {
      const finishing = finish(item)
      if (finishing === undefined) {
        this.#run.settled++
        return
      }
      return finishing.then(() => {
        this.#run.settled++
      })
    }
    try {
      const done = mapConcurrent(work, { concurrency, order: 'none', onError: 'throw' })(this.#items)
      const iterator = done[Symbol.asyncIterator]()
      while ((await iterator.next()).done !== true);
    } catch (error) {
      this.#run.errors.push(error)
      throw error
    } finally {
      this.#run.ended.resolve(undefined)
    }
  }

  shutdown(options: ShutdownOptions): Promise<void> {
    return this.#run.shutdown(options)
  }
}

/** The source with a door: after `stop` it has ended, whatever it was waiting for. */
class Head<T> implements AsyncIterable<T>, AsyncIterator<T> {
  readonly #intake: Intake<T>
  readonly #outbox = new Outbox<T>()
  taken = 0

  constructor(source: AsyncIterable<T>) {
    this.#intake = new Intake(source, {
      item: (item) => {
        this.taken++
        this.#outbox.push(item)
      },
      end: (error) => {
        this.#outbox.close(error)
      },
    })
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return this
  }

  next(): Promise<IteratorResult<T>> {
    const next = this.#outbox.next()
    if (this.#outbox.wanted) this.#intake.pull()
    return next
  }

  async return(): Promise<IteratorResult<T>> {
    await this.stop()
    return { done: true, value: undefined }
  }

  /** Ends the source; an item that it was asked for is still handed on. */
  stop(): Promise<void> {
    return this.#intake.drain()
  }
}
