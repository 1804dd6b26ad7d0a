import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, it } from 'node:test'
import { RejectionGuard } from '../../src/dead-letter/rejection-guard.js'
import { reject, type Finished, type Rejected, type SourceRecord } from '../../src/delivery/delivery.js'
import { systemClock } from '../../src/pipeline/clock.js'
import { silentTelemetry } from '../../src/telemetry/silent-telemetry.js'
import { sourceRecord } from '../support/source-record.js'
import { until } from '../support/until.js'

const refuse = (record: SourceRecord): Rejected =>
  reject(record, { reason: 'nlp-rejected', stage: 'enrich', error: new Error('no'), attempts: 1 })

const rejected = (offset: number): Rejected => refuse(sourceRecord('x', { offset }))

const indexed = (record: SourceRecord): Finished => ({
  status: 'indexed',
  record,
  receipt: { index: 'i', id: record.id, outcome: 'indexed' },
})

/** @param lineAgain what becomes of each record that goes through the line again */
function setUp(lineAgain: (record: SourceRecord) => Finished) {
  const draining = new AbortController()
  const told: string[] = []
  /** The offsets of each round. */
  const rounds: number[][] = []
  let underWay = 0
  async function* again(records: readonly SourceRecord[]): AsyncGenerator<Finished> {
    assert.equal(++underWay, 1, 'one round at a time')
    rounds.push(records.map(({ offset }) => offset))
    for (const record of records) {
      await new Promise(setImmediate)
      yield lineAgain(record)
    }
    underWay--
  }
  const guard = new RejectionGuard({
    maxConsecutive: 3,
    probeIntervalMs: 2,
    again,
    draining: draining.signal,
    telemetry: {
      ...silentTelemetry,
      dependencyDown: (_, error) => told.push(error.code),
      dependencyUp: () => told.push('up'),
    },
    clock: systemClock,
  })
  /** As many as pass, and then as many as are held. */
  const hold = async (count: number) => {
    for (let n = 0; n < 3; n++) assert.equal((await guard.pass(rejected(n))).status, 'rejected')
    return Array.from({ length: count }, (_, n) => guard.pass(rejected(3 + n)))
  }
  return { guard, draining, told, rounds, hold }
}

const statuses = async (held: Promise<Finished>[]): Promise<string[]> =>
  (await Promise.all(held)).map(({ status }) => status)

describe('RejectionGuard', () => {
  it('lets rejected records pass while others are indexed between them', async () => {
    const { guard, told, rounds } = setUp(indexed)
    for (let n = 0; n < 10; n++) {
      assert.equal((await guard.pass(rejected(n))).status, 'rejected')
      if (n % 3 === 2) guard.indexed()
    }
    assert.deepEqual({ told, rounds }, { told: [], rounds: [] })
  })

  it('holds the line after too many in a row, says so once, and goes on by itself once one of them is indexed', async () => {
    let works = false
    const { hold, told, rounds } = setUp((record) => (works ? indexed(record) : refuse(record)))
    const held = await hold(300)
    await until('held records were tried again', () => rounds.length > 2)
    assert.deepEqual(told, ['TOO_MANY_REJECTED'])
    works = true
    assert.deepEqual(new Set(await statuses(held)), new Set(['indexed']))
    assert.deepEqual(told, ['TOO_MANY_REJECTED', 'up'])
    assert.deepEqual(new Set(rounds.slice(0, -1).map(({ length }) => length)), new Set([1]))
    assert.equal(rounds.at(-1)?.length, 299, 'the rest goes through the line at once, as its input')
  })

  it('tries another record where one stays bad, and lets that one pass once the others are indexed', async () => {
    const { hold, rounds } = setUp((record) => (record.offset === 3 ? refuse(record) : indexed(record)))
    assert.deepEqual(await statuses(await hold(3)), ['rejected', 'indexed', 'indexed'])
    assert.deepEqual(rounds.slice(0, 2), [[3], [4]])
  })

  it('stops again where too many in a row are rejected once more', async () => {
    let bad = true
    const { hold, told } = setUp((record) => (record.offset !== 3 && bad ? refuse(record) : indexed(record)))
    const held = await hold(9)
    await until('it stopped again', () => told.length === 3)
    assert.deepEqual(told, ['TOO_MANY_REJECTED', 'up', 'TOO_MANY_REJECTED'])
    bad = false
    assert.deepEqual((await statuses(held)).sort(), [
      ...Array<string>(6).fill('indexed'),
      ...Array<string>(3).fill('rejected'),
    ])
  })

  it('tries the next one where a try ended without a verdict', async () => {
    const { hold } = setUp((record) =>
      record.offset === 3 ? { status: 'released', record } : indexed(record),
    )
    assert.deepEqual(await statuses(await hold(2)), ['released', 'indexed'])
  })

  it('releases what it holds when the drain begins, with one listener on its signal', async () => {
    const { hold, draining } = setUp(refuse)
    const held = await hold(300)
    assert.ok(getEventListeners(draining.signal, 'abort').length <= 1)
    draining.abort(new Error('SIGTERM'))
    assert.deepEqual(new Set(await statuses(held)), new Set(['released']))
  })

  it('fails those that wait where the line itself fails', async () => {
    const { hold } = setUp(() => {
      throw new Error('the line broke')
    })
    const [first] = await hold(1)
    await assert.rejects(async () => first, { code: 'INTERNAL', cause: new Error('the line broke') })
  })

  it('leaves no rejection to nobody where the line fails after some have been told', async (t) => {
    const unhandled: unknown[] = []
    const note = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', note)
    t.after(() => process.off('unhandledRejection', note))
    const { hold, rounds } = setUp((record) => {
      if (record.offset === 5) throw new Error('the line broke')
      return indexed(record)
    })
    const held = await hold(4)
    const ends = (await Promise.allSettled(held)).map(({ status }) => status)
    await new Promise(setImmediate)
    assert.deepEqual(rounds.slice(0, 2), [[3], [4, 5, 6]])
    assert.deepEqual(ends, ['fulfilled', 'fulfilled', 'rejected', 'rejected'])
    assert.deepEqual(unhandled, [])
  })
})
