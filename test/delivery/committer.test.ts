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

/** How long after the first of `settled` records the commit comes. */
async function delayMs(settled: number): Promise<number> {
  const clock = new FakeClock()
  let committedAtMs: number | undefined
  const committer = new Committer({
    intervalMs: 100,
    clock,
    collect: () => [at(1)],
    commit: () => {
      committedAtMs ??= clock.now()
      return Promise.resolve()
    },
    committed: () => undefined,
    failed: () => undefined,
  })
  const startMs = clock.now()
  for (let record = 0; record < settled; record++) committer.touch()
  for (let ms = 0; ms < 200 && committedAtMs === undefined; ms += 5) await clock.pass(5)
  committer.stop()
  await committer.flush()
  return (committedAtMs ?? NaN) - startMs
}

describe('Committer', () => {
  it('commits within its interval, and within a quarter of it where many records are settled', async () => {
    assert.equal(await delayMs(1), 100)
    assert.equal(await delayMs(49), 100)
    assert.equal(await delayMs(50), 25)
    assert.equal(await delayMs(500), 25)
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
