import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Committer, type CommitterOptions, type PendingCommit } from '../../src/delivery/committer.js'
import { systemClock } from '../../src/pipeline/clock.js'
import { FakeClock } from '../support/fake-clock.js'
import { until } from '../support/until.js'

const at = (offset: number): PendingCommit => ({ topic: 't', partition: 0, offset, metadata: '' })

function setUp(commit: CommitterOptions['commit']) {
  let pending: PendingCommit[] = []
  const failures: unknown[] = []
  const committed: number[] = []
  const committer = new Committer({
    intervalMs: 1,
    clock: systemClock,
    collect: () => pending,
    commit,
    committed: (done) => {
      committed.push(...done.map(({ offset }) => offset))
      pending = pending.filter((each) => !done.includes(each))
    },
    failed: (error) => failures.push(error),
  })
  return {
    committer,
    committed,
    failures,
    offer: (offset: number) => {
      pending = [at(offset)]
      committer.touch()
    },
  }
}

/** When commits come, in ms, if so many records are settled at each of these moments. */
async function commitsAt(settled: Readonly<Record<number, number>>): Promise<number[]> {
  const clock = new FakeClock()
  const startMs = clock.now()
  const commits: number[] = []
  const committer = new Committer({
    intervalMs: 100,
    clock,
    collect: () => [at(1)],
    commit: () => {
      commits.push(clock.now() - startMs)
      return Promise.resolve()
    },
    committed: () => undefined,
    failed: () => undefined,
  })
  for (let ms = 0; ms < 300; ms += 5) {
    for (let count = settled[ms] ?? 0; count > 0; count--) committer.touch()
    await clock.pass(5)
  }
  committer.stop()
  return commits.map((ms) => Math.floor(ms / 5) * 5)
}

describe('Committer', () => {
  it('commits few records after its interval, and many at once, four times in it at most', async () => {
    assert.deepEqual(await commitsAt({ 0: 1 }), [100])
    assert.deepEqual(await commitsAt({ 0: 1, 50: 48 }), [100])
    assert.deepEqual(await commitsAt({ 0: 1, 50: 49 }), [50])
    assert.deepEqual(await commitsAt({ 0: 50, 5: 50, 10: 50, 60: 500, 65: 1 }), [0, 25, 60, 165])
    assert.deepEqual(await commitsAt({ 0: 50, 5: 49 }), [0, 105])
  })

  it('has one commit in flight, and gathers what comes meanwhile into the next', async () => {
    const finish: (() => void)[] = []
    let inFlight = 0
    let most = 0
    const { committer, committed, offer } = setUp(async () => {
      most = Math.max(most, ++inFlight)
      await new Promise<void>((resolve) => finish.push(resolve))
      inFlight--
    })
    offer(1)
    await until('the first is under way', () => finish.length === 1)
    for (const offset of [2, 3, 4]) offer(offset)
    finish[0]?.()
    await until('the second is under way', () => finish.length === 2)
    finish[1]?.()
    await committer.flush()
    assert.equal(most, 1)
    assert.equal(committed.at(-1), 4)
    assert.ok(finish.length <= 3)
  })

  it('tries again after a failure, and says so', async () => {
    let calls = 0
    const { committed, failures, offer } = setUp(() =>
      ++calls < 3 ? Promise.reject(new Error('no')) : Promise.resolve(),
    )
    offer(7)
    await until('it went through', () => committed.length === 1)
    assert.equal(failures.length, 2)
  })

  it('is not kept waiting by a long interval after a failure', async () => {
    const clock = new FakeClock()
    let calls = 0
    const committer = new Committer({
      intervalMs: 60_000,
      clock,
      collect: () => [at(1)],
      commit: () => (++calls < 4 ? Promise.reject(new Error('no')) : Promise.resolve()),
      committed: () => undefined,
      failed: () => undefined,
    })
    committer.touch()
    assert.equal(await committer.flush(), false)
    for (let second = 0; second < 3; second++) await clock.pass(1000)
    assert.equal(calls, 4)
    await clock.pass(30_000)
    assert.equal(calls, 4)
    committer.touch()
    await clock.pass(59_000)
    assert.equal(calls, 4)
    await clock.pass(1000)
    assert.equal(calls, 5)
    committer.stop()
  })

  it('tells at a flush whether everything went through', async () => {
    let works = false
    const { committer, offer } = setUp(() => (works ? Promise.resolve() : Promise.reject(new Error('no'))))
    offer(7)
    assert.equal(await committer.flush(), false)
    works = true
    assert.equal(await committer.flush(), true)
    committer.stop()
  })
})
