/** A first-in first-out queue; `push` and `shift` are O(1) amortised. Its user bounds it. */
export class Fifo<T> {
  #items: (T | undefined)[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  push(item: T): void {
    this.#items.push(item)
  }

  /** The oldest item. @throws RangeError where there is none */
  shift(): T {
    if (this.#head === this.#items.length) throw new RangeError('shift: the queue is empty')
    const item = this.#items[this.#head] as T
    this.#items[this.#head++] = undefined
    if (this.#head === this.#items.length) this.clear()
    else if (this.#head > 1024 && this.#head * 2 > this.#items.length) this.#compact()
    return item
  }

  /** The oldest item, left where it is; undefined where there is none. */
  peek(): T | undefined {
    return this.#items[this.#head]
  }

  /** Takes out all items for which `test` holds, in order; O(length). */
  takeWhere(test: (item: T) => boolean): T[] {
    const items = this.#items.slice(this.#head) as T[]
    this.#items = items.filter((item) => !test(item))
    this.#head = 0
    return items.filter(test)
  }

  clear(): void {
    this.#items = []
    this.#head = 0
  }

  #compact(): void {
    this.#items = this.#items.slice(this.#head)
    this.#head = 0
  }
}
