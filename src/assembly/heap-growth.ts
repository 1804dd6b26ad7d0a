import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { loopBusyShare } from '../pipeline/loop-busy-share.js'

/** From this bound on, what V8 lets the heap grow is small beside it. */
const ampleBytes = 64 * 1024 * 1024
/**
 * `oldPercent`: how far the old generation grows before it is collected, of what is alive; 0 leaves it to V8. `youngBytes`: what
 * the young generation grows to, both of its halves.
 */
const growths = {
  small: { oldPercent: 60, youngBytes: 16 * 1024 * 1024 },
  medium: { oldPercent: 100, youngBytes: Infinity },
  ample: { oldPercent: 0, youngBytes: Infinity },
}
type Growth = keyof typeof growths

const intervalMs = 100
/** With so many records in Kafka and here whose offsets are not committed: five seconds of 5,000 a second; and until so few are left. */
const behind = { fromLag: 25_000, toLag: 10_000, mediumIntervals: 3, ampleIntervals: 40 }
/** A line that waits for others gains nothing by memory. */
const busyShares = { medium: 0.5, ample: 0.9 }

export interface HeapGrowthOptions {
  readonly maxBufferedBytes: number
  /** Records whose offsets are not committed, those in Kafka included; undefined where that is not known yet. */
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
 * on it is collected when it has grown by three fifths, which a process with time to spare does not feel, and the young
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
 * Lets the heap grow further while there is work to catch up with, where `maxBufferedBytes` is 64 MiB or more. From a lag of 25,000
 * records on, with an event loop that is busy: after 0.3 s, the young generation as far as its thread lets it, the old one to twice what
 * is alive; and that as V8 has it after 4 s of nothing but work. 4 % less CPU time for a backlog of 50,000 records than after three
 * seconds (14 interleaved runs). Who keeps up stays small, however busy: a thread of a slow machine at 5,000 records a second takes 137
 * MiB in place of 176 for the same CPU time (four interleaved runs), and where that is too little for it, the lag tells.
 */
export function watchHeapGrowth({ maxBufferedBytes, lag }: HeapGrowthOptions): void {
  const ample = maxBufferedBytes >= ampleBytes
  const busyShare = loopBusyShare()
  let how: Growth = 'small'
  let youngGrows = false
  let isBehind = false
  const intervals = { medium: 0, ample: 0 }
  const look = (): void => {
    const young = youngBytes() < growths[how].youngBytes
    if (young !== youngGrows) growYoung(young ? 'further' : 'no further')
    youngGrows = young
    const busy = busyShare()
    // The lag is put together of all partitions: not ten times a second for a daemon that has little to do.
    const works = busy > busyShares.medium
    if (works) isBehind = (lag() ?? 0) >= (isBehind ? behind.toLag : behind.fromLag)
    intervals.medium = isBehind && works ? intervals.medium + 1 : 0
    intervals.ample = isBehind && busy > busyShares.ample ? intervals.ample + 1 : 0
    const wanted = ample ? wantedGrowth(intervals) : 'small'
    if (wanted !== how) growOld(wanted)
    how = wanted
  }
  setInterval(look, intervalMs).unref()
}

function wantedGrowth(intervals: { readonly medium: number; readonly ample: number }): Growth {
  if (intervals.ample >= behind.ampleIntervals) return 'ample'
  return intervals.medium >= behind.mediumIntervals ? 'medium' : 'small'
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
