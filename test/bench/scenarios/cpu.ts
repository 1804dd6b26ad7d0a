import type { Scenario } from '../support/bench.js'
import { otherProgram } from '../support/bench-stack.js'
import { ratioOf, rowsOf } from '../support/compare-backlogs.js'
import { interleaved, measureBacklog } from '../support/measure-backlog.js'
import { bareLoop, daemon, type Settings, type Subject } from '../support/subjects.js'

const concurrency = 256

/** Zero latency: what a record costs. */
export const cpu: Scenario = {
  title: `CPU-bound: no latency, C = ${concurrency}, records of 224 bytes`,
  async run(bench) {
    const records = 50_000
    const topic = await bench.stack.backlog({ records })
    await bench.nlp.behave({})
    const settings = { 'nlp.maxConcurrency': concurrency }
    const subjects = [
      daemon('enrichd 50', settings),
      bareLoop('bare loop 50', { concurrency, bulkSize: 50 }),
      daemon('enrichd 500', { ...settings, 'elasticsearch.maxBatchSize': 500 }),
      bareLoop('bare loop 500', { concurrency, bulkSize: 500 }),
      ...otherBuild(settings),
    ]
    const runs = await interleaved(bench, subjects, (subject) =>
      measureBacklog(bench, subject, { topic, records }),
    )
    const ratio = (size: number) => ratioOf(runs, 'cpuUsPerRecord', [`enrichd ${size}`, `bare loop ${size}`])
    const checks = [
      { what: 'CPU per record, by the bare loop, bulks of 50', value: ratio(50), atMost: 1.25 },
      { what: 'CPU per record, by the bare loop, bulks up to 500', value: ratio(500), atMost: 1.25 },
    ]
    return { rows: rowsOf(runs), checks, runs }
  },
}

/** A change is kept if it shows here, beside the build without it. */
function otherBuild(settings: Settings): Subject[] {
  if (otherProgram === undefined) return []
  return [daemon('other build 50', settings, { program: otherProgram })]
}
