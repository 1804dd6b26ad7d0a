import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { loopBusyShare } from '../pipeline/loop-busy-share.js'

/** From this bound on, what V8 lets the heap grow is small beside it. */
const ampleBytes = 64 * 1024 * 1024
/**
 * `oldPercent`: how far the old generation grows before it is collected, of what is alive; 0 leaves it to V8. `youngBytes`: what
 * the young generation grows to, both of its halves.
 */
const growths = {
  small: { oldPercent: 40, youngBytes: 16 * 1024 * 1024 },
  young: { oldPercent: 40, youngBytes: Infinity },
  medium: { oldPercent: 100, youngBytes: Infinity },
  ample: { oldPercent: 0, youngBytes: Infinity },
}
type Growth = keyof typeof growths

const intervalMs = 100
/** With so many records in Kafka and here whose offsets are not committed: five seconds of 5,000 a second. */
const behind = { lag: 25_000, busyShare: 0.5, mediumIntervals: 3 }
/** Whatever waits. */
const busy = { busyShare: 0.75, youngIntervals: 30 }
const full = { busyShare: 0.9, ampleIntervals: 40 }

export interface HeapGrowthOptions {
  readonly maxBufferedBytes: number
  /** Records whose offsets are not committed, those in Kafka included; undefined where nobody knows. */
  readonly lag: () => number | undefined
}

/**
 * Three semi-spaces of 32 MiB. In those of 16, which is V8's own, a record is copied twice and then lives on in the old
 * generation before it is done.
 */
const ampleYoungMb = 96

/** As far as the young generation of the daemon's thread may ever grow: what the thread is started with. */
export function youngLimit(maxBufferedBytes: number): { maxYoungGenerationSizeMb?: number } {
  return maxBufferedBytes >= ampleBytes ? { maxYoungGenerationSizeMb: ampleYoungMb } : {}
}

/**
 * V8 lets a small heap grow to four times what is alive before it collects, most of it records that are long done. From here
 * on it is collected when it has grown by two fifths, which a process with time to spare does not feel, and the young
 * generation stays as it is. To be called before the modules are loaded, whose garbage alone would have it grow to 32 MiB.
 *
 * WebAssembly stays as V8 compiles it first. undici's HTTP parser is one large function: to optimise it takes 35 MiB for a tenth
 * of a second at the first answers, and 0.1 s of CPU time. As it is, an answer costs 0.4 µs more (10.9 for 10.5, bare calls, five
 * interleaved runs).
 */
export function staySmall(): void {
  // One of them alone changes nothing (measured with Node 20): V8 then optimises at once, or later.
  setFlagsFromString('--no-wasm-tier-up')
  setFlagsFromString('--no-wasm-dynamic-tiering')
  growOld('small')
  growYoung('no further')
}

/**
 * Lets the heap grow further while there is work to catch up with, where `maxBufferedBytes` is 64 MiB or more. With a lag of 25,000
 * records and an event loop that is busy: after 0.3 s, the young generation as far as its thread lets it, the old one to twice what is
 * alive. 4 % less CPU time for a backlog of 50,000 records than after three seconds (14 interleaved runs), while a start into 5,000
 * records a second, which takes two seconds to catch up, has no such lag. Without it: the young one once the event loop was
 * busy for three seconds. And the old one as V8 has it once the loop was busy all the time for four: at 5,000 records a second that
 * would be 90 MiB more.
 */
export function watchHeapGrowth({ maxBufferedBytes, lag }: HeapGrowthOptions): void {
  const ample = maxBufferedBytes >= ampleBytes
  const busyShare = loopBusyShare()
  let how: Growth = 'small'
  let youngGrows = false
  const intervals = { behind: 0, busy: 0, full: 0 }
  const look = (): void => {
    const young = youngBytes() < growths[how].youngBytes
    if (young !== youngGrows) growYoung(young ? 'further' : 'no further')
    youngGrows = young
    const utilization = busyShare()
    const isBehind = utilization > behind.busyShare && (lag() ?? 0) >= behind.lag
    intervals.behind = isBehind ? intervals.behind + 1 : 0
    intervals.busy = utilization > busy.busyShare ? intervals.busy + 1 : 0
    intervals.full = utilization > full.busyShare ? intervals.full + 1 : 0
    const wanted = ample ? wantedGrowth(intervals) : 'small'
    if (wanted !== how) growOld(wanted)
    how = wanted
  }
  setInterval(look, intervalMs).unref()
}

interface Intervals {
  readonly behind: number
  readonly busy: number
  readonly full: number
}

function wantedGrowth(intervals: Intervals): Growth {
  if (intervals.full >= full.ampleIntervals) return 'ample'
  if (intervals.behind >= behind.mediumIntervals) return 'medium'
  return intervals.busy >= busy.youngIntervals ? 'young' : 'small'
}

/** V8 reads it at each collection. */
function growOld(how: Growth): void {
  setFlagsFromString(`--heap-growing-percent=${growths[how].oldPercent}`)
}

/** The same: whether it is doubled once as much as it holds has survived in it. */
function growYoung(how: 'further' | 'no further'): void {
  setFlagsFromString(`--semi-space-growth-factor=${how === 'further' ? 2 : 1}`)
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0
}
