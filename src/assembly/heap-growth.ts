import { performance } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'

/** From this bound on, what V8 lets the heap grow is small beside it. */
const ampleBytes = 64 * 1024 * 1024
/** Of what is alive, in percent; 0 leaves it to V8. */
const growthPercent = { small: 40, ample: 0 }
/** The share of its time for which the event loop must have been busy, in each of so many intervals on end. */
const busyShare = 0.9
const busyIntervals = 4
const intervalMs = 500

/**
 * V8 lets a small heap grow to four times what is alive before it collects, most of it records that are long done. Here it is
 * collected when it has grown by two fifths, which a process with time to spare does not feel; one that has none is left to
 * V8, where `maxBufferedBytes` is 64 MiB or more. Measured at 5,000 small records a second: a peak of 147 to 155 MiB in place of
 * 205. A backlog with C = 256 costs 6 to 12 % more CPU time a record while the loop is not that busy, because Elasticsearch is
 * the limit. To leave the heap to V8 there too, whenever a backlog waits, was tried: 241 MiB at 5,000 records a second.
 */
export function watchHeapGrowth({ maxBufferedBytes }: { readonly maxBufferedBytes: number }): void {
  grow('small')
  if (maxBufferedBytes >= ampleBytes) setInterval(growWithLoad(), intervalMs).unref()
}

function growWithLoad(): () => void {
  let last = performance.eventLoopUtilization()
  let busy = 0
  let how: keyof typeof growthPercent = 'small'
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, last)
    last = now
    busy = utilization > busyShare ? busy + 1 : 0
    const wanted = busy >= busyIntervals ? 'ample' : 'small'
    if (wanted !== how) grow(wanted)
    how = wanted
  }
}

/** V8 reads it at each collection. */
function grow(how: keyof typeof growthPercent): void {
  setFlagsFromString(`--heap-growing-percent=${growthPercent[how]}`)
}
