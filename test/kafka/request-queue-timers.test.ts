import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import test, { mock } from 'node:test'
import { spareRequestQueueTimers } from '../../src/kafka/request-queue-timers.js'
import { until } from '../support/until.js'

interface Queue {
  readonly throttleCheckTimeoutId: unknown
  readonly requestTimeoutIntervalId: unknown
  scheduleRequestTimeoutCheck(): void
  readonly pending: readonly unknown[]
  checkPendingRequests(): void
  maybeThrottle(ms: number): void
  push(request: object): void
  fulfillRequest(answer: object): void
  destroy(): void
}
const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as new (
  options: object,
) => Queue

/** A connection's queue, with the numbers of the requests that it has sent. */
function open(options: object = {}) {
  const sent: number[] = []
  const timedOut: number[] = []
  const logger = { debug: () => undefined, warn: () => undefined }
  const broker = { clientId: 'test', broker: '127.0.0.1:9092' }
  const times = { requestTimeout: 30_000, enforceRequestTimeout: true }
  const queue = new RequestQueue({ ...broker, ...times, maxInFlightRequests: null, logger, ...options })
  const push = (correlationId: number) => {
    const reject = () => timedOut.push(correlationId)
    const entry = { correlationId, apiName: 'Fetch', apiKey: 1, apiVersion: 11, resolve() {}, reject }
    queue.push({ entry, expectResponse: true, sendRequest: () => sent.push(correlationId) })
  }
  const answer = (correlationId: number) => {
    queue.fulfillRequest({ correlationId, size: 0, payload: null })
  }
  return { queue, sent, timedOut, push, answer }
}

test('kafkajs sets its timer again and again where nothing waits; spared, it does not', () => {
  const { queue, push, answer } = open()
  push(1)
  answer(1)
  assert.notEqual(queue.throttleCheckTimeoutId, null, 'no need of us any more')
  queue.destroy()
  spareRequestQueueTimers()
  push(2)
  answer(2)
  queue.checkPendingRequests()
  assert.equal(queue.throttleCheckTimeoutId, null)
})

test('a request that is held back by a throttle is sent when that is over', async () => {
  spareRequestQueueTimers()
  const { queue, sent, push } = open()
  queue.maybeThrottle(30)
  push(1)
  assert.deepEqual(sent, [])
  await until('the throttled request', () => sent.length === 1)
  assert.equal(queue.pending.length, 0)
  await until('the end of the timer', () => queue.throttleCheckTimeoutId === null)
})

test('a request beyond those in flight is sent when one is answered', () => {
  spareRequestQueueTimers()
  const { queue, sent, push, answer } = open({ maxInFlightRequests: 1 })
  push(1)
  push(2)
  assert.deepEqual(sent, [1])
  answer(1)
  assert.deepEqual(sent, [1, 2])
  queue.destroy()
})

test('a request that is not answered in its time ends at most a second later, those that are do not', (t) => {
  spareRequestQueueTimers()
  mock.timers.enable({ apis: ['setInterval', 'Date'] })
  t.after(() => {
    mock.timers.reset()
  })
  const { queue, timedOut, push, answer } = open()
  t.after(() => {
    queue.destroy()
  })
  queue.scheduleRequestTimeoutCheck()
  push(1)
  push(2)
  mock.timers.tick(30_000)
  answer(2)
  assert.deepEqual(timedOut, [])
  mock.timers.tick(1000)
  assert.deepEqual(timedOut, [1])
})

test('that is looked for once a second and not ten times', (t) => {
  spareRequestQueueTimers()
  mock.timers.enable({ apis: ['setInterval', 'Date'] })
  t.after(() => {
    mock.timers.reset()
  })
  let looked = 0
  const { queue } = open({ isConnected: () => ++looked > 0 })
  t.after(() => {
    queue.destroy()
  })
  queue.scheduleRequestTimeoutCheck()
  mock.timers.tick(4000)
  assert.equal(looked, 4)
})

test('and no more once the connection is gone', async (t) => {
  spareRequestQueueTimers()
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  const { queue } = open({ requestTimeout: 5, isConnected: () => false })
  t.after(() => {
    queue.destroy()
  })
  queue.scheduleRequestTimeoutCheck()
  assert.equal(timers(), before + 1)
  await until('the end of the timer', () => timers() === before)
})

test('nor where requests may take for ever', () => {
  spareRequestQueueTimers()
  const { queue } = open({ enforceRequestTimeout: false })
  queue.scheduleRequestTimeoutCheck()
  assert.equal(queue.requestTimeoutIntervalId, undefined)
})
