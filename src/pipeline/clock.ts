/** Time as the code sees it: injected everywhere, so that tests of time take no time. */
export interface Clock {
  /** Monotonic milliseconds from an arbitrary start. */
  now(): number
  /** Delays of more than 24 days may end early. */
  setTimeout(run: () => void, delayMs: number): unknown
  clearTimeout(handle: unknown): void
}

/** Node's timers take a longer delay for none at all. */
const longestDelayMs = 2 ** 31 - 1

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (run, delayMs) => setTimeout(run, Math.min(delayMs, longestDelayMs)),
  clearTimeout: (handle) => {
    clearTimeout(handle as NodeJS.Timeout | undefined)
  },
}
