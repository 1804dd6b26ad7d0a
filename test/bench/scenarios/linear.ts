import { setTimeout as pause } from 'node:timers/promises'
import type { Bench, Scenario } from '../support/bench.js'
import { ratioOf, rowsOf } from '../support/compare-backlogs.js'
import { interleaved, measureBacklog } from '../support/measure-backlog.js'
import { median } from '../support/statistics.js'
import { bareLoop, daemon } from '../support/subjects.js'

const settings = { 'nlp.maxConcurrency': 256 }
const latencyMs = 100
const membersConcurrency = 10

interface BacklogWish {
  readonly records: number
  readonly partitions?: number
  readonly members?: number
}

/** Ten times the backlog, 64 times the partitions, twice the members. */
export const linear: Scenario = {
  title: 'Cost grows in a straight line: no latency, C = 256',
  async run(bench) {
    const [few, many] = bench.quick ? [20_000, 100_000] : [100_000, 1_000_000]
    const daemonPlans = {
      [`${few} records`]: { records: few },
      [`${many} records`]: { records: many },
      '256 partitions': { records: few, partitions: 256 },
      'two members': { records: few, members: 2 },
    }
    // What two busy processes cost each other on this machine's cores, whatever they do.
    const barePlans = { 'bare loop': { records: few }, 'two bare loops': { records: few, members: 2 } }
    const plans: Record<string, BacklogWish> = { ...daemonPlans, ...barePlans }
    await bench.nlp.behave({})
    const subjects = [
      ...Object.keys(daemonPlans).map((name) => daemon(name, settings)),
      ...Object.keys(barePlans).map((name) => bareLoop(name, { concurrency: 256, bulkSize: 50 })),
    ]
    const runs = await interleaved(bench, subjects, async (subject) => {
      const { members = 1, ...wish } = plans[subject.name] as BacklogWish
      const topic = await bench.stack.backlog(wish)
      return measureBacklog(bench, subject, { topic, records: wish.records, members })
    })
    const ratio = (name: string, by = `${few} records`) => ratioOf(runs, 'cpuUsPerRecord', [name, by])
    const twoMembers = ratio('two members')
    const byBareLoops = twoMembers / ratio('two bare loops', 'bare loop')
    const members = await measureMembers(bench)
    const checks = [
      { what: `CPU per record, ${many} records by ${few}`, value: ratio(`${many} records`), atMost: 1.05 },
      { what: 'CPU per record, 256 partitions by 4', value: ratio('256 partitions'), atMost: 1.1 },
      { what: 'CPU per record, two members by one', value: twoMembers, atMost: 1.05 },
      { what: 'the same by that of bare loops', value: byBareLoops, atMost: 1.05 },
      { what: 'calls/s latency-bound, two members by one', value: members.ratio, atLeast: 1.95 },
    ]
    return { rows: rowsOf(runs), checks, runs: [...runs, members] }
  },
}

/** What two members carry by what one carries, in turn, when the service is slow. */
async function measureMembers(bench: Bench) {
  const topic = await bench.stack.backlog({ records: 50_000 })
  const ratios: number[] = []
  for (let repetition = 0; repetition < bench.repetitions; repetition++) {
    const one = await callsPerSecond(bench, topic, 1)
    const two = await callsPerSecond(bench, topic, 2)
    bench.tell(`one member ${one.toFixed(1)} calls/s, two ${two.toFixed(1)}`)
    ratios.push(two / one)
  }
  return { subject: 'two members, latency-bound', ratio: median(ratios) }
}

async function callsPerSecond(bench: Bench, topic: string, members: number): Promise<number> {
  const index = await bench.stack.newIndex()
  const group = `${index}-group`
  await bench.nlp.behave({ latencyMs })
  const subject = daemon('enrichd', { 'nlp.maxConcurrency': membersConcurrency })
  const processes = Array.from({ length: members }, () => subject.start(bench, { topic, index, group }))
  try {
    // Until every slot of every member is in use, and a little more.
    while ((await bench.nlp.stats()).maxInFlight < members * membersConcurrency) await pause(50)
    await pause(5000)
    const before = await bench.nlp.stats()
    await pause(bench.quick ? 8000 : 20_000)
    const after = await bench.nlp.stats()
    return ((after.answered - before.answered) / (after.nowMs - before.nowMs)) * 1000
  } finally {
    await Promise.all(processes.map((one) => one.stop()))
    await bench.stack.deleteIndex(index)
  }
}
