/** Time as the code sees it: injected everywhere, so that tests of time take no time. */
export interface Clock {
  /** Monotonic milliseconds from an arbitrary start. */
  now(): number
  setTimeout(run: () => void, delayMs: number): unknown
  clearTimeout(handle: unknown): void
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (run, delayMs) => setTimeout(run, delayMs),
  clearTimeout: (handle) => {
    clearTimeout(handle as NodeJS.Timeout | undefined)
  },
}
