import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, it } from 'node:test'
import type { DaemonProcess } from '../support/daemon-process.js'
import { sharedStack } from '../support/stack.js'
import { until } from '../support/until.js'
import { inFlight, Lab, longForm, objections, summary } from './support/lab.js'
import { seededRandom } from './support/random.js'

const stack = sharedStack()
const rounds = longForm ? 10 : 4
const latencyMs = 100

describe('a group under load', () => {
  it(
    `whose members join and leave ${rounds} times loses nothing and repeats fewer calls at each rebalance than are in flight`,
    { skip: stack.skip },
    async (t) => {
      const { random, seed } = seededRandom()
      const lab = await Lab.open(t, {
        servers: stack,
        load: { partitions: 6 },
        nlp: { settings: { latencyMs } },
      })
      lab.feed()
      const members = [lab.start()]
      await lab.checker.indexed(200)
      for (let round = 0; round < rounds; round++) {
        if (members.length < 2 || (members.length < 4 && random() < 0.5)) await join(lab, members)
        else await leave(members, random)
        await pause(500 + random() * 1500)
      }
      const report = await lab.drained(90_000)
      lab.keep({ seed, rounds, ...summary(report) })
      assert.deepEqual(objections(report, { repeatedCalls: rounds * (inFlight - 1) }), [], `seed ${seed}`)
    },
  )

  it(
    'whose members all come at once loses nothing and repeats less than was in flight',
    { skip: stack.skip },
    async (t) => {
      const lab = await Lab.open(t, { servers: stack, load: { partitions: 6, count: 1500 } })
      const members = [1, 2, 3].map(() => lab.start())
      const report = await lab.drained(90_000)
      lab.keep(summary(report))
      assert.deepEqual(objections(report, { repeatedCalls: inFlight - 1 }), [])
      for (const member of members) assert.equal((await member.stop()).code, 0, member.tail())
    },
  )

  it(
    'of which one dies in the middle of a rebalance loses nothing and doubles nothing',
    { skip: stack.skip },
    async (t) => {
      const lab = await Lab.open(t, { servers: stack, load: { partitions: 6 } })
      lab.feed()
      const [first, second] = [lab.start(), lab.start()]
      await lab.checker.indexed(300)
      const third = lab.start()
      await third.logged('daemon.starting')
      second.kill('SIGKILL')
      await second.ended()
      const asked = lab.nlp.answered.length
      await until('the others go on', () => lab.nlp.answered.length > asked + 300)
      const report = await lab.drained(90_000)
      lab.keep(summary(report))
      // What the dead one had in flight, and what it had settled since its last commit.
      assert.deepEqual(objections(report, { repeatedCalls: 2 * inFlight + 125 }), [])
      for (const member of [first, third]) assert.equal((await member.stop()).code, 0, member.tail())
    },
  )
})

async function join(lab: Lab, members: DaemonProcess[]): Promise<void> {
  const member = lab.start()
  members.push(member)
  await member.logged('kafka.assigned')
}

async function leave(members: DaemonProcess[], random: () => number): Promise<void> {
  const [member] = members.splice(Math.floor(random() * members.length), 1)
  assert.equal((await member?.stop())?.code, 0, member?.tail())
}
