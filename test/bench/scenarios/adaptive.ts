import { loadavg } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import type { Bench, Check, Row, Scenario } from '../support/bench.js'
import { ratioOf, rowsOf } from '../support/compare-backlogs.js'
import { interleaved, measureBacklog, rounded } from '../support/measure-backlog.js'
import { daemon } from '../support/subjects.js'

const capacities = [20, 5, 40]
const latencyMs = 100
const concurrency = 64
const [adaptiveOn, adaptiveOff] = ['adaptive', 'not adaptive']

interface Phase {
  readonly capacity: number
  readonly rejectStatus: 429 | 503
  readonly goodput: number
  /** Goodput by K/L. */
  readonly ratio: number
  /** Calls served at a time by K: what is missing from 1 are slots that stood empty. */
  readonly occupancy: number
  readonly rejectedShare: number
  readonly load: number
}

/** A service that serves K calls at once and rejects the others; then one that is healthy. */
export const adaptive: Scenario = {
  title: `Adaptive concurrency: L = ${latencyMs} ms, maxConcurrency ${concurrency}, K = ${capacities.join(', ')}`,
  async run(bench) {
    const phases = [
      ...(await measurePhases(bench, 429)),
      ...(bench.quick ? [] : await measurePhases(bench, 503)),
    ]
    const rows: Row[] = phases.map(
      ({ capacity, rejectStatus, goodput, ratio, occupancy, rejectedShare }) => ({
        name: `K = ${capacity}, ${rejectStatus}`,
        figures: { 'calls/s': goodput, 'by K/L': ratio, occupancy, 'rejected %': rejectedShare * 100 },
      }),
    )
    const checks: Check[] = phases.flatMap(({ capacity, rejectStatus, ratio, rejectedShare }) => [
      { what: `goodput by K/L, K = ${capacity}, ${rejectStatus}`, value: ratio, atLeast: 0.95 },
      { what: `share rejected, K = ${capacity}, ${rejectStatus}`, value: rejectedShare, atMost: 0.02 },
    ])
    const healthy = await measureHealthy(bench)
    const ratio = ratioOf(healthy, 'recordsPerSecond', [adaptiveOn, adaptiveOff])
    checks.push({ what: 'records/s by those of nlp.adaptive false, healthy', value: ratio, atLeast: 0.99 })
    return { rows: [...rows, ...rowsOf(healthy)], checks, runs: [...phases, ...healthy] }
  },
}

async function measurePhases(bench: Bench, rejectStatus: 429 | 503): Promise<Phase[]> {
  const topic = await bench.stack.backlog({ records: 50_000 })
  const index = await bench.stack.newIndex()
  const [first = 0] = capacities
  await bench.nlp.behave({ latencyMs, capacity: first, rejectStatus })
  const process = daemon('enrichd', { 'nlp.maxConcurrency': concurrency }).start(bench, { topic, index })
  const phases: Phase[] = []
  try {
    while ((await bench.nlp.stats()).answered === 0 && process.running) await pause(20)
    for (const capacity of capacities) {
      await bench.nlp.behave({ latencyMs, capacity, rejectStatus })
      await pause(10_000)
      const before = await bench.nlp.stats()
      await pause(20_000)
      const after = await bench.nlp.stats()
      const answered = after.answered - before.answered
      const rejected = after.rejected - before.rejected
      const forMs = after.nowMs - before.nowMs
      const goodput = (answered / forMs) * 1000
      const phase = {
        ...{ capacity, rejectStatus, goodput, ratio: (goodput * latencyMs) / 1000 / capacity },
        occupancy: (after.busyMs - before.busyMs) / (forMs * capacity),
        rejectedShare: rejected / (answered + rejected),
        load: loadavg()[0] ?? NaN,
      }
      bench.tell(JSON.stringify(phase, rounded))
      phases.push(phase)
    }
    return phases
  } finally {
    await process.stop()
    await bench.stack.deleteIndex(index)
  }
}

async function measureHealthy(bench: Bench) {
  const records = bench.quick ? 8000 : 20_000
  const topic = await bench.stack.backlog({ records })
  await bench.nlp.behave({ latencyMs, jitterShare: 0.5 })
  const settings = { 'nlp.maxConcurrency': concurrency }
  const subjects = [daemon(adaptiveOn, settings), daemon(adaptiveOff, { ...settings, 'nlp.adaptive': false })]
  return interleaved(bench, subjects, (subject) => measureBacklog(bench, subject, { topic, records }))
}
