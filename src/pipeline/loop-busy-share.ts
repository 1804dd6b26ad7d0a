import { performance } from 'node:perf_hooks'

/** Tells the part of the time, since it was last asked, for which this thread's event loop was busy: 0 to 1. */
export function loopBusyShare(): () => number {
  let last = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, last)
    last = now
    return utilization
  }
}
