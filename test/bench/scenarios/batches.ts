import type { Bench, Scenario } from '../support/bench.js'
import { until } from '../../support/until.js'
import { BulkProxy } from '../support/bulk-proxy.js'
import { ratioOf, rowsOf } from '../support/compare-backlogs.js'
import { interleaved, measureBacklog } from '../support/measure-backlog.js'
import { produceAtPace } from '../support/paced-producer.js'
import { bareBulks, daemon } from '../support/subjects.js'
import { untilWritten } from '../support/until-written.js'

const settings = { 'nlp.maxConcurrency': 256, 'elasticsearch.maxBatchSize': 500 }
const byBatch = { ...settings, 'nlp.batchSize': 16 }
const [one, sixteen, alone] = ['one by one', 'batches of 16', 'Elasticsearch alone']

/** Several texts a call, and bulks that grow while there is a backlog. */
export const batches: Scenario = {
  title: 'NLP batches: no latency, C = 256, maxBatchSize 500',
  async run(bench) {
    const records = bench.quick ? 100_000 : 200_000
    const topic = await bench.stack.backlog({ records })
    await bench.nlp.behave({})
    const subjects = [daemon(one, settings), daemon(sixteen, byBatch), bareBulks(alone, records)]
    const runs = await interleaved(bench, subjects, (subject) =>
      measureBacklog(bench, subject, { topic, records }),
    )
    const gain = ratioOf(runs, 'recordsPerSecond', [sixteen, one])
    const ofElasticsearch = ratioOf(runs, 'recordsPerSecond', [sixteen, alone])
    const sizes = await bulkSizes(bench)
    const checks = [
      // Either is enough: three times as much, or all that Elasticsearch takes.
      {
        what: 'records/s in batches of 16: a third of the gain over one by one, or the share of Elasticsearch alone',
        value: Math.max(gain / 3, ofElasticsearch),
        atLeast: 1,
      },
      { what: 'documents in the largest bulk without a backlog', value: sizes.trickle, atMost: 50 },
      { what: 'documents in the largest bulk under a backlog', value: sizes.backlog, atLeast: 51 },
    ]
    const ratios = {
      name: 'ratios',
      figures: { 'by one by one': gain, 'by Elasticsearch alone': ofElasticsearch },
    }
    return { rows: [...rowsOf(runs), ratios], checks, runs: [...runs, sizes] }
  },
}

/** The largest bulk under a backlog, and afterwards with a trickle. */
async function bulkSizes(bench: Bench): Promise<{ backlog: number; trickle: number }> {
  const partitions = 4
  const topic = await bench.stack.emptyTopic(partitions)
  const index = await bench.stack.newIndex()
  const proxy = await BulkProxy.start(bench.stack.elasticsearch)
  const pace = { brokers: bench.stack.brokers, topic, partitions }
  // Elasticsearch counts a bulk before the proxy has its answer.
  const largest = async (documents: number) => {
    const sizes: number[] = []
    await until(`the proxy saw ${documents} documents`, async () => {
      sizes.push(...(await proxy.bulks()).map(({ agesMs }) => agesMs.length))
      return sizes.reduce((sum, size) => sum + size, 0) >= documents
    })
    return Math.max(...sizes)
  }
  const burst = await produceAtPace({ ...pace, recordsPerSecond: 20_000, forMs: 1000 })
  const process = daemon(sixteen, byBatch).start(bench, { topic, index, elasticsearch: proxy.url })
  try {
    await untilWritten(bench, index, burst)
    const backlog = await largest(burst)
    const few = await produceAtPace({ ...pace, recordsPerSecond: 100, forMs: 5000 })
    await untilWritten(bench, index, burst + few)
    return { backlog, trickle: await largest(few) }
  } finally {
    await process.stop()
    await proxy.stop()
    await bench.stack.deleteIndex(index)
  }
}
