import { until } from '../../support/until.js'
import type { Bench, Scenario } from '../support/bench.js'
import { logMessages } from '../support/log-records.js'
import { spreadOf } from '../support/statistics.js'
import { daemon } from '../support/subjects.js'

const timestampMs = 1_748_779_200_000
const records = 200

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
    const runs: number[] = []
    for (let each = 0; each < bench.repetitions + 2; each++) runs.push(await measureStart(bench, topic))
    const { median, min, max } = spreadOf(runs)
    const rows = [{ name: 'first document', figures: { 'median ms': median, 'min ms': min, 'max ms': max } }]
    return { rows, checks: [{ what: 'ms to the first document', value: median, atMost: 2500 }], runs }
  },
}

async function measureStart(bench: Bench, topic: string): Promise<number> {
  const index = await bench.stack.newIndex()
  const settings = { 'elasticsearch.flushIntervalMs': 50 }
  const process = daemon('enrichd', settings).start(bench, { topic, index })
  try {
    await until('the first document is there', () => bench.stack.has(index, `${topic}-0-0-${timestampMs}`))
    const tookMs = performance.now() - process.startedMs
    bench.tell(`${tookMs.toFixed(0)} ms`)
    return tookMs
  } finally {
    await process.stop()
    await bench.stack.deleteIndex(index)
  }
}
