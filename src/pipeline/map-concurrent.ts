import { checkCount } from './bound.js'
import { Intake, type Failure } from './intake.js'
import { Lanes } from './lanes.js'
import { Outbox } from './outbox.js'
import type { Semaphore } from './semaphore.js'
import { freeSlot, NextPermit, type Slot } from './slot.js'
import { StandingQueue, type StandingQueueOptions } from './standing-queue.js'
import type { Stage } from './stage.js'

export type { Slot } from './slot.js'

/** What became of one item: its value, or the error that its work ended with. */
export type Outcome<In, Out> =
  | { readonly status: 'fulfilled'; readonly item: In; readonly value: Out }
  | { readonly status: 'rejected'; readonly item: In; readonly error: unknown }

export interface MapConcurrentOptions<In> {
  /** Items held at once: in work, waiting for their turn, and done but not taken. An integer from 1. */
  readonly concurrency: number
  /**
   * The order of the results. `none`: as they are done. `input`: as they came. `key`: as they came among those of one
   * key, and different keys do not wait for one another.
   */
  readonly order: 'none' | 'input' | 'key'
  /** Required with order `key`. */
  readonly key?: (item: In) => string | number
  /**
   * Bounds the work itself, and may be shared and resized. A permit is taken *before* an item is pulled, so that what has
   * not begun stays with the source; `slot` lets the work give it back while it waits.
   *
   * Held, then, while the source has nothing to give: chains side by side can share one that has more permits than there
   * are chains, two stages of one chain cannot.
   */
  readonly semaphore?: Semaphore
  /** While as many are done and not taken, nothing more is begun; what is in work comes on top. See `StandingQueue`. */
  readonly doneLimit?: StandingQueueOptions
  /** Called once, when the last work has ended and none will begin: at the end, after an error, or by an early `return()`. */
  readonly onEnd?: () => void
}

/**
 * Runs `work` on many items at once. From the first `next()` on the stage works ahead: it pulls and starts as long as its
 * bounds allow, whether or not the consumer asks, and no slot stays empty while the source has an item.
 *
 * A failing item is isolated: it comes out as a rejected `Outcome`, and the stage goes on. With `onError: 'throw'`, for
 * work that fails only where the program is wrong, values come out bare and a failure ends the stage: it closes the
 * source, hands on what the work in flight still brings (in order, as far as the failed item), then throws.
 *
 * Bound: `concurrency` items in all. An error of the source, or of `key`, reaches the consumer after every item that came
 * before it. An early `return()` closes the source and waits for the work in flight, whose results are dropped; to cut that
 * short is the work's own affair, by a signal of its own.
 *
 * @throws RangeError for a bound that is none; TypeError for order `key` without a key
 */
export function mapConcurrent<In, Out>(
  work: (item: In, slot: Slot) => Promise<Out> | Out,
  options: MapConcurrentOptions<In> & { readonly onError: 'throw' },
): Stage<In, Out>
export function mapConcurrent<In, Out>(
  work: (item: In, slot: Slot) => Promise<Out> | Out,
  options: MapConcurrentOptions<In> & { readonly onError?: 'isolate' },
): Stage<In, Outcome<In, Out>>
export function mapConcurrent<In, Out>(
  work: (item: In, slot: Slot) => Promise<Out> | Out,
  options: MapConcurrentOptions<In> & { readonly onError?: 'isolate' | 'throw' },
): Stage<In, Out | Outcome<In, Out>> {
  checkCount('concurrency', options.concurrency)
  if (options.doneLimit) new StandingQueue(options.doneLimit)
  if (options.order === 'key' && options.key === undefined)
    throw new TypeError('key: required with order `key`')
  if (options.onError === 'throw') {
    return (source) => ({ [Symbol.asyncIterator]: () => new ConcurrentMap(source, { ...options, work }) })
  }
  const isolated = async (item: In, slot: Slot): Promise<Outcome<In, Out>> => {
    try {
      return { status: 'fulfilled', item, value: await work(item, slot) }
    } catch (error) {
      return { status: 'rejected', item, error }
    }
  }
  return (source) => ({
    [Symbol.asyncIterator]: () => new ConcurrentMap(source, { ...options, work: isolated }),
  })
}

interface WorkOptions<In, Out> extends MapConcurrentOptions<In> {
  readonly work: (item: In, slot: Slot) => Promise<Out> | Out
}

/**
 *     running ──the source ends, or fails──▶ ending ──the last work has ended──▶ ended
 *     running ──work fails──▶ closing the source ──it is closed──▶ ending
 *     any ──return()──▶ closing the source ──it is closed, and the last work has ended──▶ ended
 */
class ConcurrentMap<In, Out> implements AsyncIterator<Out> {
  readonly #options: WorkOptions<In, Out>
  readonly #intake: Intake<In>
  readonly #outbox = new Outbox<Out>()
  readonly #lanes: Lanes<Out> | undefined
  readonly #done: StandingQueue | undefined
  readonly #permit: NextPermit | undefined
  /** Items that are in work, or done and waiting for their turn. */
  #held = 0
  #inWork = 0
  /** It is to be filled soon. */
  #filling = false
  #sourceEnded = false
  #over = false
  #error: Failure | undefined
  #onIdle: (() => void) | undefined
  #returned: Promise<IteratorResult<Out>> | undefined

  constructor(source: AsyncIterable<In>, options: WorkOptions<In, Out>) {
    this.#options = options
    this.#done = options.doneLimit && new StandingQueue(options.doneLimit)
    this.#lanes = options.order === 'none' ? undefined : new Lanes(this.#handOn)
    this.#permit = options.semaphore && new NextPermit(options.semaphore, this.#fillSoon)
    this.#intake = new Intake(source, {
      item: (item) => {
        this.#start(item)
        this.#fill()
      },
      end: (error) => {
        this.#permit?.close()
        this.#error ??= error
        this.#sourceEnded = true
        this.#endWhenDone()
      },
    })
  }

  next(): Promise<IteratorResult<Out>> {
    const next = this.#outbox.next()
    this.#fill()
    return next
  }

  return(): Promise<IteratorResult<Out>> {
    return (this.#returned ??= this.#close())
  }

  async #close(): Promise<IteratorResult<Out>> {
    this.#outbox.discard()
    this.#permit?.close()
    try {
      await this.#intake.close()
    } finally {
      if (this.#inWork > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve))
      this.#end()
    }
    return { done: true, value: undefined }
  }

  /**
   * Once all work that ends in this turn has ended: its results are dealt with one after the other, and then new work is begun,
   * item after item. In turns, each would find the code of the other in the processor's caches.
   */
  readonly #fillSoon = (): void => {
    if (this.#filling) return
    this.#filling = true
    queueMicrotask(() => {
      this.#filling = false
      this.#fill()
    })
  }

  /** Pulls one more item if there is room for it, and a permit. */
  readonly #fill = (): void => {
    const { length: done } = this.#outbox
    const enough = this.#done?.isFull(done) === true
    if (this.#intake.ended || this.#intake.pulling) return
    if (enough || this.#held + done >= this.#options.concurrency) {
      this.#permit?.giveBack()
      return
    }
    if (this.#permit === undefined || this.#permit.ready()) this.#intake.pull()
  }

  #start(item: In): void {
    const { order, key, work } = this.#options
    const handOn = this.#lanes?.take(order === 'key' && key !== undefined ? key(item) : 0) ?? this.#handOn
    const slot = this.#permit?.take() ?? freeSlot
    this.#held++
    this.#inWork++
    const fulfilled = (value: Out): void => {
      // First, so that whoever gets the permit finds one more that is done.
      handOn(value)
      slot.end()
      this.#ended()
    }
    const rejected = (reason: unknown): void => {
      slot.end()
      this.#held--
      this.#error ??= { reason }
      this.#permit?.close()
      this.#intake.fail(reason)
      this.#ended()
    }
    let result: Promise<Out> | Out
    try {
      result = work(item, slot)
    } catch (reason) {
      rejected(reason)
      return
    }
    if (result instanceof Promise) result.then(fulfilled, rejected)
    else fulfilled(result)
  }

  /** Some work has. */
  #ended(): void {
    this.#inWork--
    if (this.#inWork === 0) this.#onIdle?.()
    this.#endWhenDone()
    this.#fillSoon()
  }

  readonly #handOn = (value: Out): void => {
    this.#held--
    this.#outbox.push(value)
  }

  #endWhenDone(): void {
    if (this.#sourceEnded && this.#inWork === 0) this.#end()
  }

  #end(): void {
    this.#outbox.close(this.#error)
    if (!this.#over) this.#options.onEnd?.()
    this.#over = true
  }
}
