import { loadavg } from 'node:os'
import { until } from '../../support/until.js'
import type { Bench, Scenario } from '../support/bench.js'
import { logMessages } from '../support/log-records.js'
import { rounded } from '../support/measure-backlog.js'
import { spreadOf } from '../support/statistics.js'
import { daemon } from '../support/subjects.js'

const timestampMs = 1_748_779_200_000
const records = 200

interface StartRun {
  readonly tookMs: number
  /** The process's own CPU time until then: what is left of it on a machine that does nothing else. */
  readonly cpuMs: number
  readonly load: number
}

/** From the start of the process to the first document, found by its id. */
export const start: Scenario = {
  title: 'Start: until the first document is found by its id (flushIntervalMs 50, existing index)',
  async run(bench) {
    const topic = await bench.stack.emptyTopic(1)
    const timestamp = String(timestampMs)
    const messages = logMessages({ from: 0, count: records, partitions: 1 })
    await bench.stack.kafka.produce(
      topic,
      messages.map((one) => ({ ...one, timestamp })),
    )
    await bench.nlp.behave({})
    const runs: StartRun[] = []
    for (let each = 0; each < bench.repetitions + 2; each++) runs.push(await measureStart(bench, topic))
    const { median, min, max } = spreadOf(runs.map(({ tookMs }) => tookMs))
    const cpu = spreadOf(runs.map(({ cpuMs }) => cpuMs)).median
    const figures = { 'median ms': median, 'min ms': min, 'max ms': max, 'CPU ms': cpu }
    const rows = [{ name: 'first document', figures }]
    return { rows, checks: [{ what: 'ms to the first document', value: median, atMost: 2500 }], runs }
  },
}

async function measureStart(bench: Bench, topic: string): Promise<StartRun> {
  const index = await bench.stack.newIndex()
  const settings = { 'elasticsearch.flushIntervalMs': 50 }
  const process = daemon('enrichd', settings).start(bench, { topic, index })
  try {
    await until('the first document is there', () => bench.stack.has(index, `${topic}-0-0-${timestampMs}`))
    const tookMs = performance.now() - process.startedMs
    const run = { tookMs, cpuMs: process.cpuMs(), load: loadavg()[0] ?? NaN }
    bench.tell(JSON.stringify(run, rounded))
    return run
  } finally {
    await process.stop()
    await bench.stack.deleteIndex(index)
  }
}
