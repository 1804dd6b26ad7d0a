import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RejectionGuard } from '../../src/dead-letter/rejection-guard.js'
import { reject, type Finished, type Rejected } from '../../src/delivery/delivery.js'
import { systemClock } from '../../src/pipeline/clock.js'
import { silentTelemetry } from '../../src/telemetry/silent-telemetry.js'
import { sourceRecord } from '../support/source-record.js'
import { until } from '../support/until.js'

const rejected = (offset: number): Rejected =>
  reject(sourceRecord('x', { offset }), {
    reason: 'nlp-rejected',
    stage: 'enrich',
    error: new Error('no'),
    attempts: 1,
  })

const indexed = ({ record }: Rejected): Finished => ({
  status: 'indexed',
  record,
  receipt: { index: 'i', id: record.id, outcome: 'indexed' },
})

function setUp(again: (rejected: Rejected) => Promise<Finished>) {
  const draining = new AbortController()
  const told: string[] = []
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
  return { guard, draining, told }
}

describe('RejectionGuard', () => {
  it('lets rejected records pass while others are indexed between them', async () => {
    const { guard, told } = setUp(() => Promise.reject(new Error('not tried again')))
    for (let n = 0; n < 10; n++) {
      assert.equal((await guard.pass(rejected(n))).status, 'rejected')
      if (n % 3 === 2) guard.indexed()
    }
    assert.deepEqual(told, [])
  })

  it('holds the line after too many in a row, says so once, and goes on by itself once one of them is indexed', async () => {
    let works = false
    let tries = 0
    const { guard, told } = setUp((each) => {
      tries++
      return Promise.resolve(works ? indexed(each) : each)
    })
    for (let n = 0; n < 3; n++) assert.equal((await guard.pass(rejected(n))).status, 'rejected')
    const held = [3, 4, 5].map((n) => guard.pass(rejected(n)))
    await until('a held record was tried again', () => tries > 2)
    assert.deepEqual(told, ['TOO_MANY_REJECTED'])
    works = true
    assert.deepEqual(
      (await Promise.all(held)).map(({ status }) => status),
      ['indexed', 'indexed', 'indexed'],
    )
    assert.deepEqual(told, ['TOO_MANY_REJECTED', 'up'])
  })

  it('lets the next one be tried where a try ended without a verdict', async () => {
    const tried: number[] = []
    const { guard } = setUp((each) => {
      tried.push(each.record.offset)
      const first: Finished = { status: 'released', record: each.record }
      return Promise.resolve(tried.length === 1 ? first : indexed(each))
    })
    for (let n = 0; n < 3; n++) await guard.pass(rejected(n))
    const held = await Promise.all([3, 4].map((n) => guard.pass(rejected(n))))
    assert.deepEqual(
      held.map(({ status }) => status),
      ['released', 'indexed'],
    )
  })

  it('releases what it holds when the drain begins', async () => {
    const { guard, draining } = setUp((each) => Promise.resolve(each))
    for (let n = 0; n < 3; n++) await guard.pass(rejected(n))
    const held = guard.pass(rejected(3))
    draining.abort(new Error('SIGTERM'))
    assert.equal((await held).status, 'released')
  })
})
