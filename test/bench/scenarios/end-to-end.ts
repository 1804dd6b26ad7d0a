import { loadavg } from 'node:os'
import type { Bench, Scenario } from '../support/bench.js'
import { BulkProxy } from '../support/bulk-proxy.js'
import { measureBacklog } from '../support/measure-backlog.js'
import { produceAtPace } from '../support/paced-producer.js'
import { quantile } from '../support/statistics.js'
import { daemon } from '../support/subjects.js'
import { untilWritten } from '../support/until-written.js'

const flushIntervalsMs = [0, 10, 50]
const behaviour = { latencyMs: 20, jitterShare: 0.5 }
const concurrency = 64
const partitions = 4
const allowedMs = 20

export interface EndToEndRun {
  readonly flushIntervalMs: number
  readonly recordsPerSecond: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly nlpP99Ms: number
  readonly bulkP99Ms: number
  /** What p99 may be. */
  readonly boundMs: number
  readonly load: number
}

/** From the producer's timestamp until Elasticsearch has answered, at half of what the run carries at most. */
export const endToEnd: Scenario = {
  title: `End-to-end latency at half load: L = 20 ms ± 50 %, C = ${concurrency}`,
  async run(bench) {
    const runs: EndToEndRun[] = []
    for (const flushIntervalMs of flushIntervalsMs) runs.push(await measure(bench, flushIntervalMs))
    const rows = runs.map((run) => ({
      name: `flushIntervalMs ${run.flushIntervalMs}`,
      figures: {
        'records/s': run.recordsPerSecond,
        'p50 ms': run.p50Ms,
        'p95 ms': run.p95Ms,
        'p99 ms': run.p99Ms,
        'NLP p99': run.nlpP99Ms,
        'bulk p99': run.bulkP99Ms,
        bound: run.boundMs,
      },
    }))
    const checks = runs.map((run) => ({
      what: `p99 by its bound, flushIntervalMs ${run.flushIntervalMs}`,
      value: run.p99Ms / run.boundMs,
      atMost: 1,
    }))
    return { rows, checks, runs }
  },
}

async function measure(bench: Bench, flushIntervalMs: number): Promise<EndToEndRun> {
  const settings = { 'nlp.maxConcurrency': concurrency, 'elasticsearch.flushIntervalMs': flushIntervalMs }
  const subject = daemon('enrichd', settings)
  await bench.nlp.behave(behaviour)
  const records = bench.quick ? 10_000 : 30_000
  const topic = await bench.stack.backlog({ records })
  const { recordsPerSecond } = await measureBacklog(bench, subject, { topic, records })
  const proxy = await BulkProxy.start(bench.stack.elasticsearch)
  const index = await bench.stack.newIndex()
  const paced = await bench.stack.emptyTopic(partitions)
  const process = subject.start(bench, { topic: paced, index, elasticsearch: proxy.url })
  const pace = {
    brokers: bench.stack.brokers,
    topic: paced,
    partitions,
    recordsPerSecond: recordsPerSecond / 2,
  }
  try {
    const first = await produceAtPace({ ...pace, forMs: 4000 })
    await untilWritten(bench, index, first)
    await proxy.bulks()
    await bench.nlp.reset()
    const sent = await produceAtPace({ ...pace, forMs: bench.quick ? 8000 : 20_000 })
    await untilWritten(bench, index, first + sent)
    const bulks = await proxy.bulks()
    const agesMs = bulks.flatMap((bulk) => bulk.agesMs)
    const { p99Ms: nlpP99Ms } = await bench.nlp.stats()
    const tookMs = bulks.map((bulk) => bulk.tookMs)
    const bulkP99Ms = quantile(tookMs, 0.99)
    const run = {
      flushIntervalMs,
      recordsPerSecond: recordsPerSecond / 2,
      ...{ p50Ms: quantile(agesMs, 0.5), p95Ms: quantile(agesMs, 0.95), p99Ms: quantile(agesMs, 0.99) },
      ...{ nlpP99Ms, bulkP99Ms, boundMs: nlpP99Ms + bulkP99Ms + flushIntervalMs + allowedMs },
      load: loadavg()[0] ?? NaN,
    }
    bench.tell(JSON.stringify(run))
    return run
  } finally {
    await process.stop()
    await proxy.stop()
    await bench.stack.deleteIndex(index)
  }
}
