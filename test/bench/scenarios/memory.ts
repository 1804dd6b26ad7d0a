import type { Bench, Check, Row, Scenario } from '../support/bench.js'
import { measureBacklog } from '../support/measure-backlog.js'
import { produceAtPace } from '../support/paced-producer.js'
import { daemon } from '../support/subjects.js'
import { untilWritten } from '../support/until-written.js'

const settings = { 'nlp.maxConcurrency': 64 }
const bufferedMiB = 64
/** 120 MiB and three times `pipeline.maxBufferedBytes`, whose default is 64 MiB. */
const boundMiB = 120 + 3 * bufferedMiB

/** The most that is ever resident. */
export const memory: Scenario = {
  title: `Memory: peak resident; the bound is 120 MiB + 3 × maxBufferedBytes = ${boundMiB} MiB`,
  async run(bench) {
    const rows: Row[] = []
    const checks: Check[] = []
    const keep = (name: string, peakMiB: number, atMost: number) => {
      bench.tell(`${name}: ${peakMiB.toFixed(0)} MiB`)
      rows.push({ name, figures: { 'peak MiB': peakMiB, bound: atMost } })
      checks.push({ what: `peak MiB, ${name}`, value: peakMiB, atMost })
    }
    await bench.nlp.behave({ latencyMs: 5 })
    keep('5,000 records/s', await steadyPeak(bench), 150)
    const records = bench.quick ? 30_000 : 200_000
    for (const partitions of [1, 4, 256]) {
      const topic = await bench.stack.backlog({ records, partitions })
      const { peakMiB } = await measureBacklog(bench, daemon('enrichd', settings), { topic, records })
      keep(`backlog of ${records}, ${partitions} partitions`, peakMiB, boundMiB)
    }
    const large = bench.quick ? 200 : 1000
    const topic = await bench.stack.backlog({ records: large, padBytes: 999_000 })
    const { peakMiB } = await measureBacklog(bench, daemon('enrichd', settings), { topic, records: large })
    keep(`${large} records of 1 MB`, peakMiB, boundMiB)
    return { rows, checks, runs: rows }
  },
}

async function steadyPeak(bench: Bench): Promise<number> {
  const partitions = 4
  const topic = await bench.stack.emptyTopic(partitions)
  const index = await bench.stack.newIndex()
  const process = daemon('enrichd', { ...settings, 'elasticsearch.maxBatchSize': 500 }).start(bench, {
    topic,
    index,
  })
  try {
    const pace = { brokers: bench.stack.brokers, topic, partitions, recordsPerSecond: 5000 }
    const sent = await produceAtPace({ ...pace, forMs: bench.quick ? 10_000 : 60_000 })
    await untilWritten(bench, index, sent)
    return process.peakMiB()
  } finally {
    await process.stop()
    await bench.stack.deleteIndex(index)
  }
}
