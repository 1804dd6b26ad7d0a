import { checkAmount, checkCount } from './bound.js'
import { systemClock, type Clock } from './clock.js'
import { deferred } from './deferred.js'
import { Relay } from './relay.js'
import { settleAll } from './settle-all.js'
import type { Stage } from './stage.js'

/** A pipeline that was shut down, or has run, is asked to run. */
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
  /** How long what is under way may take to finish, in ms; 0 or more. What is not finished then is left to itself. */
  readonly timeoutMs: number
}

export interface SettleOptions {
  /** Calls of the function that may be pending at once; an integer from 1. Default 1. */
  readonly concurrency?: number
  /** Aborted: closes the source, and what is on its way is dropped, but for the calls that are pending. */
  readonly signal?: AbortSignal | undefined
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
   * Runs it to its end: calls `finish` for each item. Resolves when the source ended and everything is finished. A call
   * that fails ends the run: the source is closed, and no further item is pulled.
   *
   * @throws what a stage or `finish` threw first, or the signal's reason, after what was in flight has ended;
   * PipelineClosedError after a shutdown or another run; RangeError for a bound that is none
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
  const run = new Run(clock)
  return new Chain(run, run.take(Symbol.asyncIterator in source ? source : toAsync(source)))
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
  taken = 0
  settled = 0
  failed = 0
  readonly #clock: Clock
  readonly #errors = new Set<unknown>()
  readonly #ended = deferred<undefined>()
  #source: Pick<Relay<unknown, unknown>, 'drain'> | undefined
  #started = false
  #closing: Promise<void> | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The source with a door: `shutdown` ends it, whatever it is waiting for. */
  take<T>(source: AsyncIterable<T>): AsyncIterable<T> {
    const relay = new Relay<T, T>(source, {
      ahead: 0,
      take: (item, handOn) => {
        this.taken++
        handOn(item)
      },
    })
    this.#source = relay
    return { [Symbol.asyncIterator]: () => relay }
  }

  begin(): void {
    if (this.#closing !== undefined) throw new PipelineClosedError('the pipeline was shut down')
    if (this.#started) throw new PipelineClosedError('the pipeline has run: a pipeline runs once')
    this.#started = true
  }

  fail(error: unknown): void {
    this.#errors.add(error)
  }

  end(): void {
    this.#ended.resolve(undefined)
  }

  shutdown({ timeoutMs }: ShutdownOptions): Promise<void> {
    checkAmount('timeoutMs', timeoutMs)
    return (this.#closing ??= this.#close(timeoutMs))
  }

  async #close(timeoutMs: number): Promise<void> {
    const late = deferred<undefined>()
    const timer = this.#clock.setTimeout(() => {
      this.fail(new Error(`the pipeline did not finish within ${timeoutMs} ms`))
      late.resolve(undefined)
    }, timeoutMs)
    const drained = this.#source?.drain().catch((error: unknown) => {
      this.fail(error)
    })
    await Promise.race([Promise.all([drained, this.#started && this.#ended.promise]), late.promise])
    this.#clock.clearTimeout(timer)
    if (this.#errors.size > 0) throw new AggregateError(this.#errors, 'the pipeline ended with errors')
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
    const { taken, settled, failed } = this.#run
    return { taken, settled, failed }
  }

  through<Out>(stage: Stage<T, Out>): Pipeline<Out> {
    return new Chain(this.#run, stage(this.#items))
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return runOf(this.#run, this.#items)
  }

  async settle(
    finish: (item: T) => void | Promise<void>,
    { concurrency = 1, signal }: SettleOptions = {},
  ): Promise<void> {
    checkCount('concurrency', concurrency)
    signal?.throwIfAborted()
    this.#run.begin()
    try {
      await settleAll(this.#items, {
        finish: counted(this.#run, finish),
        concurrency,
        signal,
        onError: (error) => {
          this.#run.fail(error)
        },
      })
    } finally {
      this.#run.end()
    }
  }

  shutdown(options: ShutdownOptions): Promise<void> {
    return this.#run.shutdown(options)
  }
}

/** The iterator over the end of a chain: it tells the run when that is over, and why. */
function runOf<T>(run: Run, items: AsyncIterable<T>): AsyncIterator<T> {
  run.begin()
  const iterator = items[Symbol.asyncIterator]()
  const failed = (error: unknown): unknown => {
    run.fail(error)
    run.end()
    return error
  }
  return {
    async next() {
      try {
        const result = await iterator.next()
        if (result.done === true) run.end()
        return result
      } catch (error) {
        throw failed(error)
      }
    },
    async return() {
      try {
        await iterator.return?.()
        run.end()
        return { done: true, value: undefined }
      } catch (error) {
        throw failed(error)
      }
    },
  }
}

function counted<T>(run: Run, finish: (item: T) => void | Promise<void>): (item: T) => void | Promise<void> {
  const done = () => {
    run.settled++
  }
  const failed = (error: unknown): never => {
    run.failed++
    run.fail(error)
    throw error
  }
  return (item) => {
    try {
      const finishing = finish(item)
      if (finishing !== undefined) return finishing.then(done, failed)
    } catch (error) {
      failed(error)
    }
    done()
  }
}
