import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../src/pipeline/clock.js'

interface Timer {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
}

/**
 * Time that stands still until `pass` is called; then timers run in their order, and what they set off is let run out after
 * each.
 */
export class FakeClock implements Clock {
  #nowMs = 0
  #order = 0
  readonly #timers = new Set<Timer>()

  /** Timers that are set. */
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
    await setImmediate()
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
      this.#timers.delete(next)
      this.#nowMs = next.atMs
      next.run()
      await setImmediate()
    }
    this.#nowMs = untilMs
  }

  /** Passes time, timer by timer, until `done` is settled. @throws Error if it waits for something else than time */
  async passUntil<T>(done: Promise<T>): Promise<T> {
    const waited = { over: false }
    const end = () => {
      waited.over = true
    }
    done.then(end, end)
    for (;;) {
      await setImmediate()
      if (waited.over) return done
      const next = this.#next(Infinity)
      if (next === undefined) throw new Error('no timer is set, and it is not done')
      await this.pass(next.atMs - this.#nowMs)
    }
  }

  #next(untilMs: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.atMs > untilMs) continue
      const earlier =
        first === undefined ||
        timer.atMs < first.atMs ||
        (timer.atMs === first.atMs && timer.order < first.order)
      if (earlier) first = timer
    }
    return first
  }
}
