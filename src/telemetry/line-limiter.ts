import type { Clock } from '../pipeline/clock.js'
import { LabelledCounts } from './run-counts.js'

const WINDOW_MS = 1000

interface Window {
  beganMs: number
  written: number
  readonly left: LabelledCounts
}

/** Lines of one event that were left out, by the label that was given for each. */
export interface Suppressed {
  readonly event: string
  readonly count: number
  readonly counts: Readonly<Record<string, number>>
}

/**
 * Lets so many lines of an event through in each second and counts the rest, so that a burst of bad records does not
 * flood the log and is told nevertheless.
 */
export class LineLimiter {
  readonly #clock: Clock
  readonly #suppressed: (suppressed: Suppressed) => void
  readonly #windows = new Map<string, Window>()

  /** @param suppressed called for each window that left lines out, once it is over */
  constructor(clock: Clock, suppressed: (suppressed: Suppressed) => void) {
    this.#clock = clock
    this.#suppressed = suppressed
  }

  /** Whether a line of `event` may be written; else it is counted under `label`. */
  admit(event: string, perSecond: number, label = ''): boolean {
    const window = this.#window(event)
    if (window.written < perSecond) {
      window.written++
      return true
    }
    window.left.add(label)
    return false
  }

  /** Tells of the lines left out in windows that are over, or with `all` in every one. */
  sweep(all = false): void {
    const nowMs = this.#clock.now()
    for (const [event, window] of this.#windows) {
      if (!all && nowMs - window.beganMs < WINDOW_MS) continue
      this.#windows.delete(event)
      this.#tell(event, window)
    }
  }

  #window(event: string): Window {
    const nowMs = this.#clock.now()
    const known = this.#windows.get(event)
    if (known !== undefined && nowMs - known.beganMs < WINDOW_MS) return known
    const window = { beganMs: nowMs, written: 0, left: new LabelledCounts() }
    this.#windows.set(event, window)
    if (known !== undefined) this.#tell(event, known)
    return window
  }

  #tell(event: string, { left }: Window): void {
    const count = left.total
    if (count > 0) this.#suppressed({ event, count, counts: Object.fromEntries(left.entries()) })
  }
}
