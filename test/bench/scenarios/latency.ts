import { loadavg } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import type { Bench, Row, Scenario } from '../support/bench.js'
import type { BenchProcess } from '../support/bench-process.js'
import { rounded } from '../support/measure-backlog.js'
import type { NlpBehaviour } from '../support/nlp-stub.js'
import { median } from '../support/statistics.js'
import { bareCalls, daemon } from '../support/subjects.js'

const variants = {
  even: {},
  jitter: { jitterShare: 0.5 },
  slow: { slowShare: 0.01, slowTimes: 50 },
} as const satisfies Record<string, NlpBehaviour>

type Variant = keyof typeof variants

interface Cell {
  readonly concurrency: number
  readonly latencyMs: number
  readonly variant: Variant
}

/** By C, the latencies at which C/L is no more than about what half a core carries. */
const latenciesMs: Readonly<Record<number, readonly number[]>> = {
  5: [5, 20, 100, 1000],
  10: [5, 20, 100, 1000],
  64: [20, 100, 1000],
  256: [100, 1000],
  512: [1000],
}
const quickLatenciesMs: typeof latenciesMs = { 10: [20, 100], 64: [100] }
const longestSlowCallMs = 5000
/** V8 optimises by calls, and there are few in a second: after 500 calls the daemon still takes twice the time for each. */
const warmUpMs = 10_000

export interface CellRun extends Cell {
  readonly subject: 'enrichd' | 'bare calls'
  readonly callsPerSecond: number
  /** The share of C × time in which a call was in flight, seen by the service. */
  readonly occupancy: number
  readonly load: number
}

/**
 * The service is slow: are its slots ever empty? The bound is C loops that only call. Calls per second and the occupancy
 * of the slots are both measured by the service; the occupancy is what is compared, since it does not depend on which
 * latencies were drawn.
 */
export const latency: Scenario = {
  title: 'Latency-bound: calls in flight, by a bare loop with the same C',
  async run(bench) {
    const topic = await bench.stack.backlog({ records: bench.quick ? 40_000 : 150_000 })
    const runs: CellRun[] = []
    for (let repetition = 0; repetition < bench.repetitions; repetition++) {
      for (const concurrency of Object.keys(bench.quick ? quickLatenciesMs : latenciesMs).map(Number)) {
        const both = [
          () => measureDaemon(bench, topic, concurrency),
          () => measureBareCalls(bench, concurrency),
        ]
        for (const measure of repetition % 2 === 0 ? both : both.toReversed()) runs.push(...(await measure()))
      }
    }
    const rows = rowsOf(runs)
    const checks = rows.map(({ name, figures }) => ({
      what: `occupancy by that of bare calls, ${name}`,
      value: figures['ratio'] ?? NaN,
      atLeast: 0.97,
    }))
    return { rows, checks, runs }
  },
}

function cellsOf(bench: Bench, concurrency: number): Cell[] {
  const latencies = (bench.quick ? quickLatenciesMs : latenciesMs)[concurrency] ?? []
  const every = Object.keys(variants) as Variant[]
  return every
    .flatMap((variant) => latencies.map((latencyMs) => ({ concurrency, latencyMs, variant })))
    .filter(
      ({ variant, latencyMs }) =>
        variant !== 'slow' || latencyMs * variants.slow.slowTimes <= longestSlowCallMs,
    )
}

async function measureDaemon(bench: Bench, topic: string, concurrency: number): Promise<CellRun[]> {
  const index = await bench.stack.newIndex()
  const settings = { 'nlp.maxConcurrency': concurrency, 'nlp.timeoutMs': 60_000 }
  try {
    return await measureCells(bench, 'enrichd', {
      cells: cellsOf(bench, concurrency),
      start: () => daemon('enrichd', settings).start(bench, { topic, index }),
    })
  } finally {
    await bench.stack.deleteIndex(index)
  }
}

function measureBareCalls(bench: Bench, concurrency: number): Promise<CellRun[]> {
  const start = () => bareCalls(bench, concurrency)
  return measureCells(bench, 'bare calls', { cells: cellsOf(bench, concurrency), start })
}

interface Series {
  readonly cells: readonly Cell[]
  start(): BenchProcess
}

async function measureCells(
  bench: Bench,
  subject: CellRun['subject'],
  { cells, start }: Series,
): Promise<CellRun[]> {
  await bench.nlp.behave({ latencyMs: cells[0]?.latencyMs ?? 0 })
  const process = start()
  const runs: CellRun[] = []
  try {
    while ((await bench.nlp.stats()).answered < 500 && process.running) await pause(50)
    await pause(warmUpMs)
    for (const cell of cells) {
      const run = await measureCell(bench, subject, cell)
      bench.tell(JSON.stringify(run, rounded))
      runs.push(run)
    }
    if (!process.running) throw new Error(`${subject} ended by itself`)
    return runs
  } finally {
    await process.stop(5000)
  }
}

async function measureCell(bench: Bench, subject: CellRun['subject'], cell: Cell): Promise<CellRun> {
  const { concurrency, latencyMs, variant } = cell
  const slowest = variant === 'slow' ? variants.slow.slowTimes : 1
  await bench.nlp.behave({ latencyMs, ...variants[variant] })
  await pause(1000 + 2 * latencyMs * slowest)
  const before = await bench.nlp.stats()
  await pause(bench.quick ? 3000 : Math.max(6000, 10 * latencyMs, 2 * latencyMs * slowest))
  const after = await bench.nlp.stats()
  const forMs = after.nowMs - before.nowMs
  return {
    ...cell,
    subject,
    callsPerSecond: ((after.answered - before.answered) / forMs) * 1000,
    occupancy: (after.busyMs - before.busyMs) / (forMs * concurrency),
    load: loadavg()[0] ?? NaN,
  }
}

function rowsOf(runs: readonly CellRun[]): Row[] {
  const nameOf = ({ concurrency, latencyMs, variant }: Cell) =>
    `C = ${concurrency}, L = ${latencyMs} ms, ${variant}`
  return [...new Set(runs.map(nameOf))].map((name) => {
    const of = (subject: CellRun['subject'], figure: 'callsPerSecond' | 'occupancy') =>
      runs.filter((run) => run.subject === subject && nameOf(run) === name).map((run) => run[figure])
    const bare = of('bare calls', 'occupancy')
    return {
      name,
      figures: {
        'calls/s': median(of('enrichd', 'callsPerSecond')),
        'bare calls/s': median(of('bare calls', 'callsPerSecond')),
        occupancy: median(of('enrichd', 'occupancy')),
        'bare occupancy': median(bare),
        ratio: median(of('enrichd', 'occupancy').map((value, at) => value / (bare[at] ?? NaN))),
      },
    }
  })
}
