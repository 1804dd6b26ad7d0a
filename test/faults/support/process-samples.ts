import { readdirSync } from 'node:fs'
import type { DaemonProcess } from '../../support/daemon-process.js'
import { memoryMiB } from '../../support/process-memory.js'

/** What a process held at one moment. */
export interface ProcessSample {
  readonly atMs: number
  readonly residentMiB: number
  /** In use on V8's heap, garbage included, if the metrics say so. */
  readonly heapMiB: number | undefined
  readonly descriptors: number
  /** Timers that were set, if the metrics say so. */
  readonly timers: number | undefined
}

/** Looks at a running daemon, from outside and at its metrics. Linux only. @throws Error where it has ended or is silent for 2 s */
export async function sampleProcess(daemon: DaemonProcess): Promise<ProcessSample> {
  const descriptors = readdirSync(`/proc/${daemon.pid}/fd`).length
  const admin = daemon.lines.find(({ event }) => event === 'daemon.starting')?.['admin']
  const answer = await fetch(`${String(admin)}metrics`, { signal: AbortSignal.timeout(2000) })
  const metrics = await answer.text()
  const timers = /nodejs_active_resources\{type="Timeout"\} (\d+)/.exec(metrics)?.[1]
  const heap = /^nodejs_heap_size_used_bytes (\d+)/m.exec(metrics)?.[1]
  return {
    atMs: performance.now(),
    residentMiB: memoryMiB(daemon.pid, 'VmRSS'),
    heapMiB: heap === undefined ? undefined : Number(heap) / 1_048_576,
    descriptors,
    timers: timers === undefined ? undefined : Number(timers),
  }
}

/**
 * How fast something grows, per hour: the slope of the least squares through the lowest value of each minute, since what is
 * above is waiting for the collector.
 */
export function growthPerHour(points: readonly { readonly atMs: number; readonly value: number }[]): number {
  const lowest = new Map<number, number>()
  for (const { atMs, value } of points) {
    const minute = Math.floor(atMs / 60_000)
    lowest.set(minute, Math.min(value, lowest.get(minute) ?? Infinity))
  }
  const all = [...lowest]
  const mean = (of: (entry: readonly [number, number]) => number) =>
    all.reduce((sum, entry) => sum + of(entry), 0) / all.length
  const [meanMinute, meanValue] = [mean(([minute]) => minute), mean(([, value]) => value)]
  const spread = all.reduce((sum, [minute]) => sum + (minute - meanMinute) ** 2, 0)
  const shared = all.reduce((sum, [minute, value]) => sum + (minute - meanMinute) * (value - meanValue), 0)
  return spread === 0 ? 0 : (60 * shared) / spread
}
