import { nextReady, type ReadyIterator } from '../pipeline/ready-iterator.js'
import type { Semaphore } from '../pipeline/semaphore.js'

/**
 * `mapConcurrent` takes a permit before it pulls, and holds it while the source has nothing. With a limit of one, that permit is
 * all there is, and a record that wants to try again would wait for the next record to come along. So here it is given back
 * once the source has kept us waiting for a turn of the event loop, and taken again before the item is handed on.
 *
 * Like its source in every other respect. To be read once.
 */
export class LendingSource<T> implements AsyncIterable<T>, ReadyIterator<T> {
  readonly #source: AsyncIterator<T>
  readonly #permits: Semaphore
  /** Counts pulls; the one under way, or undefined. */
  #pulls = 0
  #underWay: number | undefined
  #lent = false
  #checking = false

  constructor(source: AsyncIterable<T>, permits: Semaphore) {
    this.#source = source[Symbol.asyncIterator]()
    this.#permits = permits
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** The source does not keep us waiting. */
  nextReady(): IteratorResult<T> | undefined {
    return nextReady(this.#source)
  }

  next(): Promise<IteratorResult<T>> {
    this.#underWay = ++this.#pulls
    if (!this.#checking) this.#checkLater()
    return this.#source.next().then(this.#came, this.#failed)
  }

  readonly #came = (result: IteratorResult<T>): IteratorResult<T> | Promise<IteratorResult<T>> => {
    this.#underWay = undefined
    return this.#lent ? this.#takeBack().then(() => result) : result
  }

  readonly #failed = async (error: unknown): Promise<never> => {
    this.#underWay = undefined
    if (this.#lent) await this.#takeBack()
    throw error
  }

  async return(): Promise<IteratorResult<T>> {
    await this.#source.return?.()
    return { done: true, value: undefined }
  }

  /** To be called before `mapConcurrent` is closed: it will give back the permit that it believes to hold. */
  settle(): void {
    this.#underWay = undefined
    if (this.#lent) void this.#takeBack()
  }

  /** One check per turn of the event loop, however many items pass in it. */
  #checkLater(): void {
    const pull = this.#underWay
    this.#checking = true
    setImmediate(() => {
      this.#checking = false
      if (this.#underWay === undefined || this.#lent) return
      if (this.#underWay !== pull) {
        this.#checkLater()
        return
      }
      this.#lent = true
      this.#permits.release()
    })
  }

  #takeBack(): Promise<void> {
    this.#lent = false
    return this.#permits.acquire()
  }
}
