import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { TestContext } from 'node:test'
import { Crew } from './crew.js'
import { elasticsearchOutages } from './elasticsearch-outages.js'
import { kafkaOutages } from './kafka-outages.js'
import type { ProxiedKafka } from './kafka-stack.js'
import { Lab, latencyMs, objections, summary } from './lab.js'
import { nlpOutages } from './nlp-outages.js'
import type { Outage } from './outages.js'
import { seededRandom } from './random.js'
import { randomSchedule, type PlannedFault, type Target } from './random-schedule.js'

const measureMs = 2000
/** Servers that share a busy machine with several schedules take their time for a new index. */
const startTimeoutMs = 240_000
const resumeTimeoutMs = 30_000
const drainTimeoutMs = 120_000

/** Several schedules run at the same time: 100 records a second each. */
const maxConcurrency = 10
const light = { backlog: 600, sampleMs: 250, settings: { 'nlp.maxConcurrency': maxConcurrency } }
const mostPerSecond = (maxConcurrency * 1000) / latencyMs

/** The share of the fault-free rate at which it is at work again, and at full speed. */
const atWork = 0.5
const fullSpeed = 0.9

export interface RandomResult extends Outcome {
  readonly seed: number
  readonly faults: readonly string[]
}

interface Outcome {
  /** What is wrong, as sentences. */
  readonly objections: readonly string[]
  /** What the checker counted, and how long it took. */
  readonly numbers?: Readonly<Record<string, number | undefined>>
}

/** One schedule that the seed chose, from a daemon at work to the checker's report. Never rejects for what the daemon does. */
export async function runRandomSchedule(
  t: TestContext,
  kafka: ProxiedKafka,
  seed: number,
): Promise<RandomResult> {
  const lab = await Lab.open(t, { servers: kafka.servers, ...light })
  const crew = new Crew(lab)
  const faults = faultsOf({ lab, crew, kafka })
  const schedule = randomSchedule(seededRandom(seed).random, namesOf(faults))
  const named = schedule.map(({ target, name, atMs, forMs }) => `${target}: ${name}, ${forMs} ms at ${atMs}`)
  const found = await run({ lab, crew, kafka }, schedule, (fault) => outageOf(faults, fault)).catch(
    (error: unknown): Outcome => ({ objections: [String(error), ...crew.objections] }),
  )
  if (found.objections.length > 0) keepLogs(lab, seed)
  return { seed, faults: named, ...found }
}

async function run(
  { lab, crew }: Stage,
  schedule: readonly PlannedFault[],
  outageFor: (fault: PlannedFault) => Outage,
): Promise<Outcome> {
  const meter = lab.crewMeter()
  lab.feed()
  await lab.checker.indexed(200, startTimeoutMs)
  // A busy machine takes its samples late, and then sees more than can be.
  const rate = Math.min(await meter.measure(measureMs), mostPerSecond)
  const endMs = await inject(schedule, outageFor, lab)
  const workedAfterMs = await meter.resumed(endMs, atWork * rate, resumeTimeoutMs)
  const resumedAfterMs = await meter.resumed(endMs, fullSpeed * rate, measureMs)
  const report = await lab.drained(drainTimeoutMs)
  await crew.end()
  const stalled =
    workedAfterMs === undefined ? [`not at work ${resumeTimeoutMs} ms after the last fault`] : []
  return {
    numbers: {
      ...summary(report),
      rate: Math.round(rate),
      workedAfterMs,
      resumedAfterMs,
      restarts: crew.restarts,
      cutOffs: crew.cutOffs,
    },
    objections: [...objections(report, { repeatedCalls: Infinity }), ...crew.objections, ...stalled],
  }
}

/** `FAULTS_LOGS` names a directory that takes what the daemons of a run with objections logged. */
function keepLogs(lab: Lab, seed: number): void {
  const directory = process.env['FAULTS_LOGS']
  if (directory === undefined) return
  mkdirSync(directory, { recursive: true })
  for (const [nth, daemon] of lab.daemons.entries())
    writeFileSync(join(directory, `${seed}-${nth}.log`), daemon.tail(Infinity))
}

type Faults = Readonly<Record<Target, readonly Outage[]>>

interface Stage {
  readonly lab: Lab
  readonly crew: Crew
  readonly kafka: ProxiedKafka
}

function faultsOf({ crew, kafka }: Stage): Faults {
  const killed: Outage = {
    name: 'broker killed',
    begin: async (lab) => {
      // A record that a broker took and could not acknowledge any more would be written twice.
      await lab.stopFeeding()
      await kafka.stack.kill('kafka')
    },
    end: async (lab) => {
      await kafka.stack.start('kafka')
      lab.feed()
    },
  }
  const paused: Outage = {
    name: 'broker stopped',
    begin: () => kafka.stack.pause('kafka'),
    end: () => kafka.stack.resume('kafka'),
  }
  return {
    nlp: nlpOutages,
    elasticsearch: elasticsearchOutages,
    kafka: [...kafkaOutages(() => kafka.proxy), killed, paused],
    daemon: crew.faults,
  }
}

function namesOf(faults: Faults): Record<Target, string[]> {
  const names = (target: Target) => faults[target].map(({ name }) => name)
  return {
    nlp: names('nlp'),
    elasticsearch: names('elasticsearch'),
    kafka: names('kafka'),
    daemon: names('daemon'),
  }
}

function outageOf(faults: Faults, { target, name }: PlannedFault): Outage {
  const found = faults[target].find((outage) => outage.name === name)
  if (found === undefined) throw new RangeError(`there is no fault ${name} of ${target}`)
  return found
}

/** Resolves with the moment from which nothing fails any more. */
async function inject(
  schedule: readonly PlannedFault[],
  outageFor: (fault: PlannedFault) => Outage,
  lab: Lab,
): Promise<number> {
  const start = performance.now()
  const until = (atMs: number) => pause(Math.max(0, start + atMs - performance.now()))
  const ends = schedule.map(async (fault) => {
    const outage = outageFor(fault)
    await until(fault.atMs)
    await outage.begin(lab)
    await until(fault.atMs + fault.forMs)
    await outage.end(lab)
    return performance.now() + (outage.askedForMs ?? 0)
  })
  return Math.max(...(await Promise.all(ends)))
}
