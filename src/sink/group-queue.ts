import type { Clock } from '../pipeline/clock.js'
import { halves, withoutLost, type Group } from './bulk-group.js'
import type { Outbox } from './outbox.js'

export interface GroupQueueOptions {
  readonly clock: Clock
  readonly outbox: Outbox
  /** A delayed group has become ready. */
  readonly onReady: () => void
}

/** A group that failed more often than this in a row while others succeeded is split when it comes back. */
const maxFailuresWhole = 2

/** Groups that wait: ready ones in the order in which they are to be sent, and those whose time has not come yet. */
export class GroupQueue {
  readonly #options: GroupQueueOptions
  readonly #delayed = new Map<Group, unknown>()
  #ready: Group[] = []
  #closed = false

  constructor(options: GroupQueueOptions) {
    this.#options = options
  }

  /** Groups that are ready. */
  get length(): number {
    return this.#ready.length
  }

  /** The next one to send. */
  shift(): Group | undefined {
    return this.#ready.shift()
  }

  /** Before all others. */
  addFirst(...groups: readonly Group[]): void {
    this.#ready.unshift(...this.#unlessClosed(groups))
  }

  /** Behind all others. */
  addLast(group: Group): void {
    this.#ready.push(...this.#unlessClosed([group]))
  }

  /** Ready again, before all others, after `delayMs`. */
  addAfter(delayMs: number, group: Group): void {
    if (this.#unlessClosed([group]).length === 0) return
    const { clock, onReady } = this.#options
    const handle = clock.setTimeout(() => {
      this.#delayed.delete(group)
      // A request that keeps failing while others do not: smaller ones find the document it is about.
      const split = group.failures > maxFailuresWhole && group.items.length > 1 && !group.suspect
      this.addFirst(...(split ? halves(group) : [group]))
      onReady()
    }, delayMs)
    this.#delayed.set(group, handle)
  }

  /** Releases the records that are no longer ours. */
  releaseLost(): void {
    const groups = this.#ready
    this.#ready = []
    for (const group of groups) {
      const ours = withoutLost(group, this.#options.outbox)
      if (ours !== undefined) this.#ready.push(ours)
    }
  }

  /** Releases all of them, and whatever is added from now on. */
  close(): void {
    this.#closed = true
    for (const handle of this.#delayed.values()) this.#options.clock.clearTimeout(handle)
    this.#unlessClosed([...this.#delayed.keys(), ...this.#ready])
    this.#delayed.clear()
    this.#ready = []
  }

  #unlessClosed(groups: readonly Group[]): readonly Group[] {
    if (!this.#closed) return groups
    for (const { delivery } of groups.flatMap(({ items }) => items))
      this.#options.outbox.released(delivery.record)
    return []
  }
}
