import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { sharedStack } from '../support/stack.js'
import { assertExact, TestBed } from '../support/test-bed.js'
import { until } from '../support/until.js'

const stack = sharedStack()

describe('members of a group', () => {
  let bed: TestBed

  before(() => {
    bed = new TestBed(stack)
  })
  after(() => bed.close())

  it(
    'share the work, and nothing is lost or done twice when one joins and one leaves',
    { skip: stack.skip },
    async (t) => {
      const one = await bed.nlp(t, { settings: { latencyMs: 20 } })
      const two = await bed.nlp(t, { settings: { latencyMs: 20 } })
      const load = await bed.load(t, { partitions: 6, count: 2000 })
      const settings = load.settings({ ...stack, nlp: one.url })
      const first = bed.start(t, settings)
      load.startSampling()
      await load.indexed(300)
      const second = bed.start(t, { ...settings, 'nlp.url': two.url })
      await second.logged(({ event, partitions }) => event === 'kafka.assigned' && partitions !== '')
      await load.produce(3000)
      await until('both work', () => two.answered.length >= 300)
      const before = two.answered.length
      const askedOfFirst = one.answered.length
      await until('both still work', () => one.answered.length > askedOfFirst && two.answered.length > before)
      assert.equal((await first.stop()).code, 0, first.tail())
      const leftAt = one.answered.length
      await load.settled()
      assert.equal(one.answered.length, leftAt, 'who left does nothing more')
      assert.equal((await second.stop()).code, 0, second.tail())
      assertExact(await load.report([...one.answered, ...two.answered]))
    },
  )

  it(
    'share the partitions evenly, and those that stay with a member go on where they were',
    { skip: stack.skip },
    async (t) => {
      const nlp = await bed.nlp(t, { settings: { latencyMs: 10 } })
      const load = await bed.load(t, { partitions: 6, count: 600 })
      const settings = load.settings({ ...stack, nlp: nlp.url })
      const first = bed.start(t, settings)
      await load.indexed(100)
      const second = bed.start(t, settings)
      await second.logged('kafka.assigned')
      await first.logged(({ event, kept }) => event === 'kafka.assigned' && kept === 3)
      const third = bed.start(t, settings)
      await third.logged('kafka.assigned')
      await load.settled()
      for (const member of [third, second, first]) assert.equal((await member.stop()).code, 0, member.tail())
      const report = await load.report(nlp.answered)
      assert.deepEqual(
        { lost: report.lost, doubled: report.doubled, repeated: report.repeatedCalls },
        {
          lost: [],
          doubled: 0,
          repeated: 0,
        },
      )
    },
  )

  it('beyond the number of partitions are ready and wait for their turn', { skip: stack.skip }, async (t) => {
    const nlp = await bed.nlp(t)
    const load = await bed.load(t, { partitions: 1, count: 50 })
    const settings = load.settings({ ...stack, nlp: nlp.url })
    const first = bed.start(t, settings)
    await load.settled()
    const second = bed.start(t, settings)
    const { admin } = await second.logged('daemon.starting')
    await second.logged('daemon.running')
    assert.equal((await fetch(`${String(admin)}readyz`)).status, 200)
    assert.equal((await first.stop()).code, 0, first.tail())
    await load.produce(50)
    await load.settled()
    assert.equal((await second.stop()).code, 0, second.tail())
    assert.deepEqual((await load.report(nlp.answered)).lost, [])
    assert.equal(nlp.answered.length, 100)
  })

  it(
    'that were killed are replaced at once, and one that only hangs keeps its session',
    { skip: stack.skip },
    async (t) => {
      const nlp = await bed.nlp(t)
      const load = await bed.load(t, { partitions: 2, count: 100 })
      const settings = { ...load.settings({ ...stack, nlp: nlp.url }), 'kafka.heartbeatIntervalMs': 500 }
      const first = bed.start(t, { ...settings, 'kafka.sessionTimeoutMs': 60_000 })
      await load.settled()
      first.kill('SIGKILL')
      await first.ended()
      const second = bed.start(t, { ...settings, 'kafka.sessionTimeoutMs': 6000 })
      const removed = await second.logged('kafka.dead_member_removed')
      assert.deepEqual(removed['pids'], [first.pid])
      await second.logged('kafka.assigned', 20_000)
      await load.produce(100)
      await load.settled()

      second.kill('SIGSTOP')
      const third = bed.start(t, settings)
      await third.logged('kafka.assigned')
      assert.ok(!third.lines.some(({ event }) => event === 'kafka.dead_member_removed'), third.tail())
      second.kill('SIGCONT')
      await load.produce(100)
      await load.settled()
      for (const member of [second, third]) assert.equal((await member.stop()).code, 0, member.tail())
      const report = await load.report(nlp.answered)
      assert.deepEqual({ lost: report.lost, doubled: report.doubled }, { lost: [], doubled: 0 })
    },
  )

  it('that read different topics serve each what it asked for', { skip: stack.skip }, async (t) => {
    const nlp = await bed.nlp(t)
    const left = await bed.load(t, { partitions: 2, count: 200 })
    const right = await bed.load(t, { partitions: 2, count: 200 })
    const settings = {
      ...left.settings({ ...stack, nlp: nlp.url }),
      'elasticsearch.index': `${left.index}-{topic}`,
    }
    // A rolling restart that adds a topic: the older member does not know it.
    const older = bed.start(t, settings)
    await until(
      'the first topic is done',
      async () => (await bed.es.count(`${left.index}-${left.topic}`)) === 200,
    )
    const newer = bed.start(t, { ...settings, 'kafka.topics': `${left.topic},${right.topic}` })
    await until(
      'the second topic is done',
      async () => (await bed.es.count(`${left.index}-${right.topic}`)) === 200,
    )
    for (const member of [older, newer]) assert.equal((await member.stop()).code, 0, member.tail())
    assert.equal(nlp.answered.length, 400)
    assert.equal(new Set(nlp.answered).size, 400)
    for (const { topic } of [left, right]) {
      assert.deepEqual(await bed.kafka.committedOffsets(left.group, topic), [100, 100])
    }
  })
})
