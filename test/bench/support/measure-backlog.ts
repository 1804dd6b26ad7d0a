import { loadavg } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import type { Bench } from './bench.js'
import type { BenchProcess } from './bench-process.js'
import type { ComparableRun } from './compare-backlogs.js'
import type { Subject } from './subjects.js'

/** The part of the run that counts, by share of the records: start-up and warming up, and the end, are left out. */
const middle = { from: 0.25, to: 0.9 }
// Elasticsearch pays for every look.
const lookEveryMs = 250
const silenceMs = 60_000

export interface BacklogRun extends ComparableRun {
  readonly records: number
  /** Over the middle of the run. */
  readonly recordsPerSecond: number
  /** Over the middle of the run, of all its processes. */
  readonly cpuUsPerRecord: number
  readonly peakMiB: number
  readonly maxInFlight: number
  /** The NLP stub's, over the middle of the run: what it takes of the machine. */
  readonly stubUsPerRecord: number
  readonly load: number
}

export interface BacklogPlan {
  readonly topic: string
  readonly records: number
  /** Processes that share the work, in one group. Default 1. */
  readonly members?: number
}

interface Sample {
  readonly atMs: number
  readonly written: number
  readonly cpuMs: number
  readonly stubMs: number
}

/** Lets a subject work off a backlog until it is in the index, and measures the middle of that. */
export async function measureBacklog(bench: Bench, subject: Subject, plan: BacklogPlan): Promise<BacklogRun> {
  const { topic, records, members = 1 } = plan
  const index = await bench.stack.newIndex()
  await bench.nlp.reset()
  const [load = NaN] = loadavg()
  const group = `${index}-group`
  const processes = Array.from({ length: members }, () => subject.start(bench, { topic, index, group }))
  try {
    const samples = await watch(bench, { index, records, processes })
    const figures = figuresOf(samples, records)
    const { maxInFlight } = await bench.nlp.stats()
    const peakMiB = Math.max(...processes.map((one) => one.peakMiB()))
    return { subject: subject.name, records, ...figures, peakMiB, maxInFlight, load }
  } finally {
    await Promise.all(processes.map((one) => one.stop()))
    await bench.stack.deleteIndex(index)
  }
}

interface Watched {
  readonly index: string
  readonly records: number
  readonly processes: readonly BenchProcess[]
}

async function watch(bench: Bench, { index, records, processes }: Watched): Promise<Sample[]> {
  const samples: Sample[] = []
  let changedMs = performance.now()
  for (;;) {
    const written = await bench.stack.written(index)
    const atMs = performance.now()
    if (written !== samples.at(-1)?.written) changedMs = atMs
    if (processes.some((one) => !one.running)) throw new Error(`a process ended after ${written} records`)
    if (atMs - changedMs > silenceMs) throw new Error(`nothing more was written after ${written} records`)
    const cpuMs = processes.reduce((sum, one) => sum + one.cpuMs(), 0)
    samples.push({ atMs, written, cpuMs, stubMs: bench.nlp.cpuMs() })
    if (written >= records) return samples
    await pause(lookEveryMs)
  }
}

function figuresOf(samples: readonly Sample[], records: number) {
  const first = samples.find(({ written }) => written >= records * middle.from)
  const last = samples.findLast(({ written }) => written <= records * middle.to)
  if (first === undefined || last === undefined || last.written <= first.written) {
    throw new Error(`${records} records are too few to measure anything`)
  }
  const count = last.written - first.written
  return {
    recordsPerSecond: (count / (last.atMs - first.atMs)) * 1000,
    cpuUsPerRecord: ((last.cpuMs - first.cpuMs) / count) * 1000,
    stubUsPerRecord: ((last.stubMs - first.stubMs) / count) * 1000,
  }
}

/** Every subject once, then again, each time in another order, so that the machine's moods meet all alike. */
export async function interleaved<T>(
  bench: Bench,
  subjects: readonly Subject[],
  measure: (subject: Subject) => Promise<T>,
): Promise<T[]> {
  const runs: T[] = []
  for (let repetition = 0; repetition < bench.repetitions; repetition++) {
    const shift = repetition % subjects.length
    for (const subject of [...subjects.slice(shift), ...subjects.slice(0, shift)]) {
      const run = await measure(subject)
      bench.tell(`${repetition + 1}/${bench.repetitions} ${JSON.stringify(run, rounded)}`)
      runs.push(run)
    }
  }
  return runs
}

export function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(4)) : value
}
