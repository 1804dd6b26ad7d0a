import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, it, type TestContext } from 'node:test'
import type { Report } from '../support/checker.js'
import { sharedStack } from '../support/stack.js'
import { inFlight, Lab, objections, type Sabotage } from './support/lab.js'

const stack = sharedStack()

/** Each guarantee is broken on purpose, and the checker must object, or its silence elsewhere means nothing. */
describe('the checker', () => {
  it(
    'finds lost records, and commits past them, when offsets are committed before records are settled',
    { skip: stack.skip },
    async (t) => {
      const report = await killed(t, 'commit-ahead')
      assert.ok(report.lost.length > 0 && report.commitsPastUnsettled > 0, JSON.stringify(objections(report)))
    },
  )

  it(
    'finds documents that are there twice when ids are not the same at each delivery',
    { skip: stack.skip },
    async (t) => {
      const report = await killed(t, 'random-id')
      assert.ok(report.foreign > 0, JSON.stringify(objections(report)))
    },
  )

  it('finds commits past records whose dead letter is not written yet', { skip: stack.skip }, async (t) => {
    const value = (n: number, message: string) =>
      n % 10 === 0 ? Buffer.from([0xff, 0xfe, 0]) : JSON.stringify({ message })
    const lab = await Lab.open(t, {
      servers: stack,
      load: { count: 400, value },
      settings: { 'decode.format': 'json' },
    })
    lab.start({ sabotage: 'settle-before-dead-letter' })
    const report = await lab.drained()
    assert.equal(report.deadLettered, 40)
    assert.ok(report.commitsPastUnsettled > 0, JSON.stringify(objections(report)))
  })

  it(
    'finds repeated NLP calls when settled offsets beyond the commit are forgotten',
    { skip: stack.skip },
    async (t) => {
      let stuck = true
      const lab = await Lab.open(t, {
        servers: stack,
        load: { partitions: 1, count: 800 },
        nlp: {
          settings: { latencyMs: 5 },
          script: ([text]) => (stuck && text?.endsWith('record 50') === true ? { fault: 'hang' } : undefined),
        },
        settings: { 'nlp.timeoutMs': 120_000 },
      })
      const daemon = lab.start({ sabotage: 'forget-settled' })
      await lab.checker.indexed(700)
      await pause(500)
      daemon.kill('SIGKILL')
      await daemon.ended()
      stuck = false
      lab.start({ sabotage: 'forget-settled' })
      const report = await lab.drained()
      assert.ok(report.repeatedCalls > 600, `${report.repeatedCalls} repeated`)
    },
  )

  it('finds dead letters when an outage counts as an attempt', { skip: stack.skip }, async (t) => {
    const lab = await Lab.open(t, { servers: stack, load: { count: 400 } })
    lab.start({ sabotage: 'outage-counts' })
    lab.feed()
    await lab.checker.indexed(50)
    lab.nlp.change({ status: 503 })
    await pause(2000)
    lab.nlp.change({})
    const report = await lab.drained()
    assert.ok(report.deadLettered > 0)
    assert.deepEqual(objections(report), [`${report.deadLettered} dead letters, not 0`])
  })

  it(
    'finds repeated NLP calls when a rebalance does not wait for what is in flight',
    { skip: stack.skip },
    async (t) => {
      const lab = await Lab.open(t, {
        servers: stack,
        load: { count: 3000 },
        nlp: { settings: { latencyMs: 400 } },
      })
      lab.start({ sabotage: 'no-small-drain' })
      await lab.checker.indexed(60)
      const other = lab.start({ sabotage: 'no-small-drain' })
      await other.logged('kafka.assigned')
      lab.nlp.change({ latencyMs: 5 })
      const report = await lab.drained()
      assert.ok(
        report.repeatedCalls > 0 && report.repeatedCalls <= 10 * inFlight,
        `${report.repeatedCalls} repeated`,
      )
    },
  )
})

async function killed(t: TestContext, sabotage: Sabotage): Promise<Report> {
  const lab = await Lab.open(t, { servers: stack, load: { count: 1000 } })
  const daemon = lab.start({ sabotage })
  await lab.checker.indexed(200)
  daemon.kill('SIGKILL')
  await daemon.ended()
  lab.start({ sabotage })
  await lab.committed()
  await pause(1500)
  return lab.checker.report(lab.nlp.answered)
}
