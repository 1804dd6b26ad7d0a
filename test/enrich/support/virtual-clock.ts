import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../../src/pipeline/clock.js'

interface Timer {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
}

/** Time that stands still until `pass` is called; then timers run in their order, and what they set off is let run out after each. */
export class VirtualClock implements Clock {
  #nowMs = 0
  #order = 0
  readonly #timers = new Set<Timer>()

  get timers(): number {
    return this.#timers.size
  }

  now(): number {
    return this.#nowMs
  }

  setTimeout(run: () => void, delayMs: number): unknown {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, run }
    this.#timers.add(timer)
    return timer
  }

  clearTimeout(handle: unknown): void {
    this.#timers.delete(handle as Timer)
  }

  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    await settle()
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
      this.#timers.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.run()
      await settle()
    }
    this.#nowMs = untilMs
  }

  #next(untilMs: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.atMs > untilMs) continue
      if (
        first === undefined ||
        timer.atMs < first.atMs ||
        (timer.atMs === first.atMs && timer.order < first.order)
      ) {
        first = timer
      }
    }
    return first
  }
}

/** Lets promises that are already resolved run to their end. */
async function settle(): Promise<void> {
  await setImmediate()
}
