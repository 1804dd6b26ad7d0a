import { checkCount } from './bound.js'
import { Intake, type Failure, type IntakeEvents } from './intake.js'
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
 * Gives every item to each of several consumers, in order, each behind a queue of its own. A slow consumer with `drop` never
 * holds up the others, one with `wait` not before its queue is full. Each branch can be read once.
 *
 * From the first `next()` of any branch on, the source is pulled while every open branch with `wait` has room. An error of
 * the source reaches each branch after its items. A branch that stops early is left out from then on; the last one closes
 * the source and waits for it.
 *
 * @throws RangeError for a queue size that is none, or without branches
 */
export function fanOut<T>(source: AsyncIterable<T>, branches: readonly BranchOptions[]): Branch<T>[] {
  if (branches.length === 0) throw new RangeError('branches: expected 1 or more, got 0')
  for (const { queueSize } of branches) checkCount('queueSize', queueSize)
  /** Those that have not stopped early. */
  const open = new Set<FanOutBranch<T>>()
  const fill = () => {
    for (const branch of open) if (!branch.hasRoom) return
    intake.pull()
  }
  const events: IntakeEvents<T> = {
    item: (item) => {
      for (const branch of open) branch.offer(item)
      fill()
    },
    end: (error) => {
      for (const branch of open) branch.end(error)
    },
  }
  // A branch that drops always has room: without a promise it would be offered all that is ready before it is asked once.
  const intake = new Intake(source, events, { promised: true })
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

  end(error: Failure | undefined): void {
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
    this.#outbox.discard()
    this.#outbox.close()
    await this.#side.leave(this)
    return { done: true, value: undefined }
  }
}
