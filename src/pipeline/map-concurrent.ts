import { checkCount } from './bound.js'
import { Fifo } from './fifo.js'
import { Intake } from './intake.js'
import { Outbox } from './outbox.js'
import type { Semaphore } from './semaphore.js'
import type { Stage } from './stage.js'

/** What became of one item: its value, or the error that its work ended with. */
export type Outcome<In, Out> =
  | { readonly status: 'fulfilled'; readonly item: In; readonly value: Out }
  | { readonly status: 'rejected'; readonly item: In; readonly error: unknown }

/** The permit that an item's work holds, where a semaphore was given. */
export interface Slot {
  /** Gives the permit back, for a time in which the work only waits. Does nothing where none is held. */
  release(): void
  /** Takes a permit again. @throws the signal's reason on abort; no permit is held then */
  acquire(signal?: AbortSignal): Promise<void>
}

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
   */
  readonly semaphore?: Semaphore
}

/** An item that keeps its place until its result is handed on. */
interface Place<Result> {
  result: { readonly value: Result } | undefined
}

/**
 * Runs `work` on many items at once. The stage works ahead: it pulls and starts as long as its bounds allow, whether or
 * not the consumer asks, and no slot stays empty while the source has an item.
 *
 * A failing item is isolated: it comes out as a rejected `Outcome`, and the stage goes on. With `onError: 'throw'`, for
 * work that fails only where the program is wrong, values come out bare and a failure ends the stage.
 *
 * Bound: `concurrency` items in all. An error of the source reaches the consumer after every item that came before it.
 * An early `return()` closes the source and waits for the work in flight, whose results are dropped.
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

/** running → ending (the source ended or failed, or work failed) → ended; or → closed, by `return()` */
class ConcurrentMap<In, Out> implements AsyncIterator<Out> {
  readonly #options: WorkOptions<In, Out>
  readonly #intake: Intake<In>
  readonly #outbox = new Outbox<Out>()
  /** Order `input` and `key`: the places of each lane, in the order in which the items came. */
  readonly #lanes = new Map<string | number, Fifo<Place<Out>>>()
  readonly #closing = new AbortController()
  /** Held and not handed to the outbox. */
  #working = 0
  /** In work; these have to end before the stage has. */
  #inFlight = 0
  #permitReady = false
  #permitAsked = false
  #error: { readonly reason: unknown } | undefined
  #idle: (() => void) | undefined
  #returned: Promise<IteratorResult<Out>> | undefined

  constructor(source: AsyncIterable<In>, options: WorkOptions<In, Out>) {
    this.#options = options
    this.#intake = new Intake(source, {
      item: (item) => {
        this.#start(item)
        this.#fill()
      },
      end: (error) => {
        this.#error ??= error
        this.#returnPermit()
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
    this.#returned ??= this.#close()
    return this.#returned
  }

  async #close(): Promise<IteratorResult<Out>> {
    this.#closing.abort()
    this.#outbox.clear()
    try {
      await this.#intake.close()
    } finally {
      this.#returnPermit()
      if (this.#inFlight > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
      this.#outbox.clear()
      this.#outbox.close()
    }
    return { done: true, value: undefined }
  }

  /** Pulls one more item if there is room for it, and a permit. */
  #fill(): void {
    const { concurrency, semaphore } = this.#options
    if (this.#intake.ended || this.#intake.pulling) return
    if (this.#working + this.#outbox.length >= concurrency) return
    if (semaphore === undefined || this.#permitReady) this.#intake.pull()
    else if (semaphore.tryAcquire()) {
      this.#permitReady = true
      this.#intake.pull()
    } else this.#askForPermit(semaphore)
  }

  #askForPermit(semaphore: Semaphore): void {
    if (this.#permitAsked) return
    this.#permitAsked = true
    semaphore.acquire(this.#closing.signal).then(
      () => {
        this.#permitAsked = false
        this.#permitReady = true
        if (this.#intake.ended) this.#returnPermit()
        else this.#fill()
      },
      () => (this.#permitAsked = false),
    )
  }

  #returnPermit(): void {
    if (!this.#permitReady) return
    this.#permitReady = false
    this.#options.semaphore?.release()
  }

  #start(item: In): void {
    const slot = new HeldSlot(this.#permitReady ? this.#options.semaphore : undefined)
    this.#permitReady = false
    this.#working++
    this.#inFlight++
    const finish = this.#placeOf(item)
    let result: Promise<Out> | Out
    try {
      result = this.#options.work(item, slot)
    } catch (reason) {
      this.#failed(slot, reason)
      return
    }
    if (!(result instanceof Promise)) {
      this.#finished(slot)
      finish(result)
      return
    }
    result.then(
      (value) => {
        this.#finished(slot)
        finish(value)
        this.#fill()
        this.#endWhenDone()
      },
      (reason: unknown) => {
        this.#failed(slot, reason)
      },
    )
  }

  #finished(slot: HeldSlot): void {
    this.#inFlight--
    slot.release()
    if (this.#inFlight === 0) this.#idle?.()
  }

  #failed(slot: HeldSlot, reason: unknown): void {
    this.#finished(slot)
    this.#working--
    this.#error ??= { reason }
    void this.#intake.close().catch(() => undefined)
    this.#returnPermit()
    this.#endWhenDone()
  }

  /** Takes the item's place in the order; the result calls in. */
  #placeOf(item: In): (value: Out) => void {
    const { order, key } = this.#options
    if (order === 'none') return this.#handOn
    const laneKey = order === 'key' && key !== undefined ? key(item) : 0
    const lane = this.#lanes.get(laneKey) ?? new Fifo<Place<Out>>()
    this.#lanes.set(laneKey, lane)
    const place: Place<Out> = { result: undefined }
    lane.push(place)
    return (value) => {
      place.result = { value }
      this.#handOnInOrder(laneKey, lane)
    }
  }

  #handOnInOrder(laneKey: string | number, lane: Fifo<Place<Out>>): void {
    for (let first = lane.peek(); first?.result !== undefined; first = lane.peek()) {
      lane.shift()
      this.#handOn(first.result.value)
    }
    if (lane.length === 0) this.#lanes.delete(laneKey)
  }

  readonly #handOn = (value: Out): void => {
    this.#working--
    this.#outbox.push(value)
  }

  #endWhenDone(): void {
    if (this.#intake.ended && this.#inFlight === 0 && this.#returned === undefined)
      this.#outbox.close(this.#error)
  }
}

class HeldSlot implements Slot {
  readonly #semaphore: Semaphore | undefined
  #held: boolean

  constructor(semaphore: Semaphore | undefined) {
    this.#semaphore = semaphore
    this.#held = semaphore !== undefined
  }

  release(): void {
    if (!this.#held) return
    this.#held = false
    this.#semaphore?.release()
  }

  async acquire(signal?: AbortSignal): Promise<void> {
    if (this.#held || this.#semaphore === undefined) return
    await this.#semaphore.acquire(signal)
    this.#held = true
  }
}
