import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, it, type TestContext } from 'node:test'
import { sharedStack } from '../support/stack.js'
import { until } from '../support/until.js'
import { inFlight, Lab, longForm, objections, summary } from './support/lab.js'
import { seededRandom } from './support/random.js'

const stack = sharedStack()
const sessionTimeoutMs = 6000
/** Answered and not yet committed: at 500 records a second, what 250 ms of batching, bulk and commit interval hold. */
const sinceLastCommit = 125
const kills = longForm ? 20 : 3

async function open(t: TestContext, count: number): Promise<Lab> {
  return Lab.open(t, { servers: stack, load: { count }, nlp: { settings: { latencyMs: 40 } } })
}

describe('a daemon that is killed', () => {
  it(
    `with SIGKILL at ${kills} random moments loses nothing, and repeats at most what was in flight and what was settled since the last commit`,
    { skip: stack.skip },
    async (t) => {
      const { random, seed } = seededRandom()
      const lab = await open(t, 1500)
      lab.feed()
      for (let kill = 0; kill < kills; kill++) {
        const daemon = lab.start()
        const before = lab.nlp.answered.length
        await until('it works', () => lab.nlp.answered.length > before + 100, 40_000)
        await pause(random() * 3000)
        daemon.kill('SIGKILL')
        await daemon.ended()
      }
      lab.start()
      const report = await lab.drained(90_000)
      lab.keep({ seed, kills, ...summary(report) })
      assert.deepEqual(
        objections(report, { repeatedCalls: kills * (inFlight + sinceLastCommit) }),
        [],
        `seed ${seed}`,
      )
    },
  )

  it(
    `with SIGTERM at ${kills} random moments ends with 0, loses nothing and repeats nothing`,
    { skip: stack.skip },
    async (t) => {
      const { random, seed } = seededRandom()
      const lab = await open(t, 1500)
      lab.feed()
      const exits: number[] = []
      for (let kill = 0; kill < kills; kill++) {
        const daemon = lab.start()
        const before = lab.nlp.answered.length
        await until('it works', () => lab.nlp.answered.length > before + 100, 40_000)
        await pause(random() * 2000)
        const exit = await daemon.stop()
        assert.equal(exit.code, 0, daemon.tail())
        exits.push(Math.round(exit.afterMs))
      }
      lab.start()
      const report = await lab.drained(90_000)
      lab.keep({ seed, kills, exitsMs: exits, ...summary(report) })
      assert.deepEqual(objections(report), [], `seed ${seed}`)
    },
  )

  it(
    'with SIGSTOP for longer than its session, while another member takes over, never commits when it comes back, and works on',
    { skip: stack.skip },
    async (t) => {
      const lab = await open(t, 3000)
      const zombie = lab.start()
      await lab.checker.indexed(300)
      const heir = lab.start()
      await heir.logged('kafka.assigned', 20_000)
      const before = lab.nlp.answered.length
      await until('both work', () => lab.nlp.answered.length > before + 200)
      lab.feed()
      zombie.kill('SIGSTOP')
      await pause(sessionTimeoutMs + 3000)
      zombie.kill('SIGCONT')
      await pause(4000)
      const report = await lab.drained(90_000)
      lab.keep(summary(report))
      assert.ok(zombie.running || (await zombie.ended()).code === 0, zombie.tail())
      assert.deepEqual(objections(report, { repeatedCalls: 2 * (inFlight + sinceLastCommit) }), [])
      assert.equal((await zombie.stop()).code, 0)
      assert.equal((await heir.stop()).code, 0)
    },
  )

  it(
    'with one record stuck and 3,000 settled behind it repeats at most what was in flight and what was settled since the last commit',
    { skip: stack.skip },
    async (t) => {
      let stuck = true
      const lab = await Lab.open(t, {
        servers: stack,
        load: { partitions: 1, count: 3200 },
        nlp: {
          settings: { latencyMs: 5 },
          script: ([text]) => (stuck && text?.endsWith('record 50') === true ? { fault: 'hang' } : undefined),
        },
        settings: { 'nlp.timeoutMs': 120_000 },
      })
      const daemon = lab.start()
      await lab.checker.indexed(3000)
      await pause(longForm ? 60_000 : 1000)
      daemon.kill('SIGKILL')
      await daemon.ended()
      stuck = false
      lab.start()
      const report = await lab.drained()
      lab.keep(summary(report))
      assert.deepEqual(objections(report, { repeatedCalls: inFlight + sinceLastCommit }), [])
    },
  )
})
