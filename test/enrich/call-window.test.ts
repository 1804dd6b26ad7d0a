import assert from 'node:assert/strict'
import test from 'node:test'
import { CallWindow, type CallWindowOptions } from '../../src/enrich/call-window.js'
import { FakeClock } from '../support/fake-clock.js'

function open(options: Partial<CallWindowOptions> = {}) {
  const limits: number[] = []
  const clock = new FakeClock()
  const window = new CallWindow({
    maxConcurrency: 64,
    batchSize: 1,
    adaptive: true,
    busyShare: undefined,
    onLimit: (calls) => limits.push(calls),
    clock,
    ...options,
  })
  return { window, limits, clock }
}
const sizes = ({ permits, places }: CallWindow) => ({ calls: permits.permits, records: places.permits })

test('it begins with all calls, and tells of that', () => {
  const { window, limits } = open()
  assert.deepEqual(sizes(window), { calls: 64, records: 64 + 32 })
  assert.deepEqual(limits, [64])
})

test('with one text a call as many records wait again as there are calls, with several as many as fit', () => {
  assert.deepEqual(sizes(open({ maxConcurrency: 5 }).window), { calls: 5, records: 10 })
  assert.deepEqual(sizes(open({ maxConcurrency: 5, batchSize: 16 }).window), { calls: 5, records: 80 })
})

test('a refusal makes it smaller and an outage takes that back', () => {
  const { window, limits } = open()
  window.refused(21, undefined)
  assert.deepEqual(sizes(window), { calls: 20, records: 40 })
  window.restore()
  assert.deepEqual(sizes(window), { calls: 64, records: 96 })
  assert.deepEqual(limits, [64, 20, 64])
})

test('not adaptive, it stays as it is', () => {
  const { window, limits } = open({ adaptive: false })
  window.refused(21, undefined)
  window.timedOut(21)
  assert.deepEqual(sizes(window), { calls: 64, records: 96 })
  assert.deepEqual(limits, [64])
})

test('of what the service takes and what a busy thread can deal with, the smaller counts', async () => {
  const { window, limits, clock } = open({ maxConcurrency: 256, busyShare: () => 1 })
  for (let interval = 0; interval < 30; interval++) {
    for (let answer = 0; answer < 200; answer++) window.answered()
    await clock.pass(100)
  }
  const { calls } = sizes(window)
  assert.equal(calls, 32, 'a turn brings more answers than are worth their while')
  window.refused(101, undefined)
  assert.deepEqual(sizes(window), { calls, records: calls + 32 })
  window.refused(11, undefined)
  assert.deepEqual(sizes(window), { calls: 10, records: 20 })
  assert.deepEqual(limits, [256, 100, 10])
  window.close()
  assert.equal(clock.timers, 0)
})
