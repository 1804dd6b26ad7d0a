import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { it } from 'node:test'
import { imageEnvironment } from '../container/dockerfile.js'
import { cannotStartStack, sharedStack } from '../support/stack.js'
import { Crew } from './support/crew.js'
import { elasticsearchOutages } from './support/elasticsearch-outages.js'
import { kafkaOutages } from './support/kafka-outages.js'
import { startProxiedKafka } from './support/kafka-stack.js'
import { Lab, objections, summary } from './support/lab.js'
import { nlpOutages } from './support/nlp-outages.js'
import type { Outage } from './support/outages.js'
import { growthPerHour, sampleProcess, type ProcessSample } from './support/process-samples.js'
import { seededRandom } from './support/random.js'

const shared = sharedStack()
const minutes = Number(process.env['SOAK_MINUTES'] ?? 0)
const skip = shared.skip || cannotStartStack() || (minutes === 0 && 'only in `npm run soak`')
const forMs = minutes * 60_000
/** Until then caches fill and code is compiled. */
const warmUpMs = Math.min(10 * 60_000, forMs / 3)
const sampleMs = 5000
/** A shorter run says too little of an hour. */
const measurableMinutes = 30
const maxGrowthMiB = 5
/** As in the image: what the C library does with memory that was freed. */
const env = Object.fromEntries(
  Object.entries(imageEnvironment()).filter(([name]) => name.startsWith('MALLOC_')),
)
/** 50 records a second: the fault is the load here. */
const light = { backlog: 300, sampleMs: 1000, settings: { 'nlp.maxConcurrency': 5 }, env }

it(
  `${minutes} minutes of random faults lose nothing, double nothing, and leave nothing behind`,
  { skip },
  async (t) => {
    const { random, seed } = seededRandom()
    const servers: (() => Promise<void>)[] = []
    const kafka = await startProxiedKafka(
      { after: (run) => void servers.push(run) },
      { elasticsearch: shared.elasticsearch, name: 'soak' },
    )
    const lab = await Lab.open(t, { servers: kafka.servers, ...light })
    // After the lab: it deletes its topics.
    t.after(async () => {
      for (const run of servers.toReversed()) await run()
    })
    const crew = new Crew(lab)
    const faults = [
      ...nlpOutages,
      ...elasticsearchOutages,
      ...kafkaOutages(() => kafka.proxy),
      ...crew.faults.filter(({ name }) => name === 'SIGSTOP' || name === 'another member'),
    ]
    lab.feed()
    await lab.checker.indexed(100)
    const [samples, injected] = await Promise.all([sample(crew), injectFaults(lab, faults, random)])
    const report = await lab.drained(120_000)
    const last = await quietSample(crew)
    await crew.end()
    const found = judge(samples, last)
    lab.keep({ seed, minutes, injected, restarts: crew.restarts, ...found.numbers, ...summary(report) })
    const wrong = [
      ...objections(report, { repeatedCalls: Infinity }),
      ...crew.objections,
      ...found.objections,
    ]
    assert.deepEqual(wrong, [], `seed ${seed}`)
  },
)

/** One fault after another, for 1 to 5 s each, with up to 3 s between them. Resolves to how many. */
async function injectFaults(lab: Lab, faults: readonly Outage[], random: () => number): Promise<number> {
  const end = performance.now() + forMs
  let count = 0
  for (; performance.now() < end; count++) {
    const fault = faults[Math.floor(random() * faults.length)]
    await fault?.begin(lab)
    await pause(1000 + random() * 4000)
    await fault?.end(lab)
    await pause(random() * 3000)
  }
  return count
}

async function sample({ main }: Crew): Promise<ProcessSample[]> {
  const end = performance.now() + forMs
  const samples: ProcessSample[] = []
  while (performance.now() < end && main.running) {
    // Nobody answers for a process that is stopped.
    await sampleProcess(main).then(
      (one) => samples.push(one),
      () => undefined,
    )
    await pause(sampleMs)
  }
  return samples
}

/** Once connections that nobody uses any more have been given up. */
async function quietSample({ main }: Crew): Promise<ProcessSample> {
  await pause(15_000)
  return sampleProcess(main)
}

/** Says whether what grew is held, or is memory that the process did not give back. */
function heapOf(samples: readonly ProcessSample[]): { atMs: number; value: number }[] {
  return samples.flatMap(({ atMs, heapMiB }) => (heapMiB === undefined ? [] : [{ atMs, value: heapMiB }]))
}

function judge(samples: readonly ProcessSample[], last: ProcessSample) {
  const first = samples[0] ?? last
  const settled = samples.filter(({ atMs }) => atMs >= first.atMs + warmUpMs)
  const growthMiB = growthPerHour(settled.map(({ atMs, residentMiB }) => ({ atMs, value: residentMiB })))
  const most = Math.max(...samples.map(({ residentMiB }) => residentMiB))
  const found: string[] = []
  if (minutes >= measurableMinutes && growthMiB > maxGrowthMiB)
    found.push(`memory grows by ${growthMiB.toFixed(1)} MiB an hour`)
  // A connection to each server more or less is no leak; one for each fault is.
  if (last.descriptors > first.descriptors + 10)
    found.push(`${last.descriptors} descriptors, ${first.descriptors} at first`)
  if ((last.timers ?? 0) > (first.timers ?? 0) + 10)
    found.push(`${last.timers} timers, ${first.timers} at first`)
  const numbers = {
    growthMiBPerHour: Math.round(10 * growthMiB) / 10,
    heapGrowthMiBPerHour: Math.round(10 * growthPerHour(heapOf(settled))) / 10,
    residentMiB: [first, settled[0] ?? first, last].map(({ residentMiB }) => Math.round(residentMiB)),
    mostMiB: Math.round(most),
    descriptors: [first.descriptors, last.descriptors],
    timers: [first.timers, last.timers],
  }
  return { numbers, objections: found }
}
