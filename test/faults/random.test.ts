import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { after, describe, it } from 'node:test'
import { cannotStartStack, sharedStack } from '../support/stack.js'
import { startProxiedKafka, type ProxiedKafka } from './support/kafka-stack.js'
import { longForm } from './support/lab.js'
import { seededRandom } from './support/random.js'
import { runRandomSchedule } from './support/random-run.js'

const shared = sharedStack()
const skip = shared.skip || cannotStartStack()
const schedules = Number(process.env['FAULTS_SCHEDULES'] ?? (longForm ? 200 : 1))
const sideBySide = Math.min(schedules, Number(process.env['FAULTS_SIDE_BY_SIDE'] ?? 2))
const { seed: firstSeed } = seededRandom()
const resultsFile =
  process.env['FAULTS_RESULTS'] ?? fileURLToPath(new URL('results/random.jsonl', import.meta.url))
// Now, not later: the program under test was built from this one.
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()

describe('faults in random combination', { concurrency: sideBySide }, () => {
  const afterAll: (() => Promise<void>)[] = []
  const idle: ProxiedKafka[] = []
  let started = 0
  after(async () => {
    for (const run of afterAll.toReversed()) await run()
  })

  /** A broker of its own for each schedule that runs at the same time. */
  const take = async (): Promise<ProxiedKafka> =>
    idle.pop() ??
    startProxiedKafka(
      { after: (run) => void afterAll.push(run) },
      { elasticsearch: shared.elasticsearch, name: `random-${started++}` },
    )

  for (let nth = 0; nth < schedules; nth++) {
    const seed = firstSeed + nth
    it(`seed ${seed}: nothing is lost, nothing doubled, and work goes on`, { skip }, async (t) => {
      const kafka = await take()
      const result = await runRandomSchedule(t, kafka, seed)
      // After an error nobody knows how its broker is.
      if (result.numbers !== undefined) idle.push(kafka)
      const { numbers, objections, ...what } = result
      const line = JSON.stringify({ commit, ...what, ...numbers, objections })
      t.diagnostic(line)
      if (longForm) appendFileSync(resultsFile, `${line}\n`)
      assert.deepEqual(objections, [], `seed ${seed}`)
    })
  }
})
