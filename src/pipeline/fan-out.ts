import { checkCount } from './bound.js'
import { Intake } from './intake.js'
import { Outbox } from './outbox.js'

export interface BranchOptions {
  /** Items that may wait for this consumer; an integer from 1. */
  readonly queueSize: number
  /**
   * When its queue is full: `wait` holds up the source, and with it the others, until there is room; `drop` leaves the
   * newest item out for this consumer alone, and counts it.
   */
  readonly whenFull: 'wait' | 'drop'
}

export interface Branch<T> extends AsyncIterable<T> {
  /** Items left out for this consumer. */
  readonly dropped: number
}

/**
 * Gives every item to each of several consumers, in order, each behind a queue of its own: a slow consumer holds up the
 * others by no more than its queue, and with `drop` not at all. Each branch can be read once.
 *
 * The source is pulled while every open branch that waits has room. An error of the source reaches each branch after its
 * items. A branch that stops early is left out from then on; with the last one the source is closed.
 *
 * @throws RangeError for a queue size that is none, or without branches
 */
export function fanOut<T>(source: AsyncIterable<T>, branches: readonly BranchOptions[]): Branch<T>[] {
  if (branches.length === 0) throw new RangeError('branches: expected 1 or more, got 0')
  for (const { queueSize } of branches) checkCount('queueSize', queueSize)
  const open = new Set<FanOutBranch<T>>()
  const fill = () => {
    if ([...open].every((branch) => branch.hasRoom)) intake.pull()
  }
  const intake = new Intake(source, {
    item: (item) => {
      for (const branch of open) branch.offer(item)
      fill()
    },
    end: (error) => {
      for (const branch of open) branch.end(error)
    },
  })
  const leave = async (branch: FanOutBranch<T>): Promise<void> => {
    if (!open.delete(branch)) return
    if (open.size === 0) await intake.close()
    else fill()
  }
  const made = branches.map((options) => new FanOutBranch<T>(options, { fill, leave }))
  for (const branch of made) open.add(branch)
  return made
}

interface FanOutSide<T> {
  readonly fill: () => void
  readonly leave: (branch: FanOutBranch<T>) => Promise<void>
}

class FanOutBranch<T> implements Branch<T>, AsyncIterator<T> {
  readonly #options: BranchOptions
  readonly #side: FanOutSide<T>
  readonly #outbox = new Outbox<T>()
  dropped = 0

  constructor(options: BranchOptions, side: FanOutSide<T>) {
    this.#options = options
    this.#side = side
  }

  get hasRoom(): boolean {
    return this.#options.whenFull === 'drop' || this.#outbox.length < this.#options.queueSize
  }

  offer(item: T): void {
    if (this.#outbox.length < this.#options.queueSize) this.#outbox.push(item)
    else this.dropped++
  }

  end(error: { readonly reason: unknown } | undefined): void {
    this.#outbox.close(error)
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return this
  }

  next(): Promise<IteratorResult<T>> {
    const next = this.#outbox.next()
    this.#side.fill()
    return next
  }

  async return(): Promise<IteratorResult<T>> {
    this.#outbox.clear()
    this.#outbox.close()
    await this.#side.leave(this)
    return { done: true, value: undefined }
  }
}
