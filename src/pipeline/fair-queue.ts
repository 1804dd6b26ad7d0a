import { Fifo } from './fifo.js'

interface Lane<K, T> {
  readonly key: K
  readonly items: Fifo<T>
}

/**
 * A first-in first-out queue for each key. Keys of which something waits take turns, item by item, so that none waits behind all
 * of another (round robin: Nagle, RFC 970). `push`, `shift` and `lengthOf` are O(1), amortised. Its user bounds it.
 */
export class FairQueue<K, T> {
  readonly #lanes = new Map<K, Lane<K, T>>()
  /** Those of which something waits, each once. */
  readonly #turns = new Fifo<Lane<K, T>>()
  /** Items of one key often come together. */
  #last: Lane<K, T> | undefined
  #length = 0

  get length(): number {
    return this.#length
  }

  lengthOf(key: K): number {
    return this.#laneOf(key)?.items.length ?? 0
  }

  push(key: K, item: T): void {
    const lane = this.#laneOf(key) ?? this.#openLane(key)
    if (lane.items.length === 0) this.#turns.push(lane)
    lane.items.push(item)
    this.#length++
  }

  /** The oldest item of the key whose turn it is. @throws RangeError where there is none */
  shift(): T {
    const lane = this.#turns.shift()
    const item = lane.items.shift()
    if (lane.items.length > 0) this.#turns.push(lane)
    this.#length--
    return item
  }

  /** Takes out all items for which `test` holds, and forgets keys of which nothing is left; O(length + keys). */
  takeWhere(test: (item: T) => boolean): T[] {
    const taken: T[] = []
    for (const [key, { items }] of this.#lanes) {
      // One by one: as arguments, a large queue would be more than the stack takes.
      for (const item of items.takeWhere(test)) taken.push(item)
      if (items.length === 0) this.#lanes.delete(key)
    }
    this.#turns.takeWhere(({ items }) => items.length === 0)
    this.#last = undefined
    this.#length -= taken.length
    return taken
  }

  #laneOf(key: K): Lane<K, T> | undefined {
    if (this.#last?.key !== key) this.#last = this.#lanes.get(key)
    return this.#last
  }

  #openLane(key: K): Lane<K, T> {
    const lane = { key, items: new Fifo<T>() }
    this.#lanes.set(key, lane)
    this.#last = lane
    return lane
  }
}
