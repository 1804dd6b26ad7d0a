const smallest = 16
const largestKept = 1024

/**
 * A first-in first-out queue; `push` and `shift` are O(1) amortised. Its user bounds it.
 *
 * A ring: a queue between two quick stages is filled and emptied for each item, and makes no garbage at that.
 */
export class Fifo<T> {
  /** Its length is a power of two. */
  #ring = new Array<T | undefined>(smallest)
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  push(item: T): void {
    if (this.#length === this.#ring.length) this.#resize(this.#items(), 2 * this.#length)
    this.#ring[this.#at(this.#length++)] = item
  }

  /** The oldest item. @throws RangeError where there is none */
  shift(): T {
    if (this.#length === 0) throw new RangeError('shift: the queue is empty')
    const item = this.#ring[this.#head] as T
    this.#ring[this.#head] = undefined
    this.#head = this.#at(1)
    if (--this.#length === 0 && this.#ring.length > largestKept) this.clear()
    return item
  }

  /** The oldest item, left where it is; undefined where there is none. */
  peek(): T | undefined {
    return this.#ring[this.#head]
  }

  /** Takes out all items for which `test` holds, in order; O(length). */
  takeWhere(test: (item: T) => boolean): T[] {
    const items = this.#items()
    this.#resize(
      items.filter((item) => !test(item)),
      this.#ring.length,
    )
    return items.filter(test)
  }

  clear(): void {
    this.#resize([], smallest)
  }

  /** What waits, in order. */
  #items(): T[] {
    return Array.from({ length: this.#length }, (_, position) => this.#ring[this.#at(position)] as T)
  }

  #at(position: number): number {
    return (this.#head + position) & (this.#ring.length - 1)
  }

  #resize(items: readonly T[], size: number): void {
    this.#ring = new Array<T | undefined>(size)
    for (const [position, item] of items.entries()) this.#ring[position] = item
    this.#head = 0
    this.#length = items.length
  }
}
