import type { Clock } from '../../../src/pipeline/clock.js'

/** Time that passes only when told to. */
export function manualClock(): Clock & { advance(ms: number): void; readonly timers: number } {
  let nowMs = 1000
  const timers = new Map<number, { atMs: number; run: () => void }>()
  let ids = 0
  return {
    now: () => nowMs,
    setTimeout: (run, delayMs) => {
      timers.set(++ids, { atMs: nowMs + delayMs, run })
      return ids
    },
    clearTimeout: (handle) => {
      timers.delete(handle as number)
    },
    get timers() {
      return timers.size
    },
    advance: (ms) => {
      const endMs = nowMs + ms
      for (;;) {
        const due = [...timers]
          .filter(([, { atMs }]) => atMs <= endMs)
          .sort((a, b) => a[1].atMs - b[1].atMs)[0]
        if (due === undefined) break
        timers.delete(due[0])
        nowMs = due[1].atMs
        due[1].run()
      }
      nowMs = endMs
    },
  }
}
