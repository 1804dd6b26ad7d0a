import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import test from 'node:test'
import { sparePendingChecks } from '../../src/kafka/pending-checks.js'
import { until } from '../support/until.js'

interface Queue {
  readonly throttleCheckTimeoutId: unknown
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
function open(maxInFlightRequests: number | null = null) {
  const sent: number[] = []
  const logger = { debug: () => undefined, warn: () => undefined }
  const broker = { clientId: 'test', broker: '127.0.0.1:9092' }
  const queue = new RequestQueue({ ...broker, maxInFlightRequests, requestTimeout: 1000, logger })
  const push = (correlationId: number) => {
    const entry = { correlationId, apiName: 'Fetch', apiKey: 1, apiVersion: 11, resolve() {}, reject() {} }
    queue.push({ entry, expectResponse: true, sendRequest: () => sent.push(correlationId) })
  }
  const answer = (correlationId: number) => {
    queue.fulfillRequest({ correlationId, size: 0, payload: null })
  }
  return { queue, sent, push, answer }
}

test('kafkajs sets its timer again and again where nothing waits; spared, it does not', () => {
  const { queue, push, answer } = open()
  push(1)
  answer(1)
  assert.notEqual(queue.throttleCheckTimeoutId, null, 'no need of us any more')
  queue.destroy()
  sparePendingChecks()
  push(2)
  answer(2)
  queue.checkPendingRequests()
  assert.equal(queue.throttleCheckTimeoutId, null)
})

test('a request that is held back by a throttle is sent when that is over', async () => {
  sparePendingChecks()
  const { queue, sent, push } = open()
  queue.maybeThrottle(30)
  push(1)
  assert.deepEqual(sent, [])
  await until('the throttled request', () => sent.length === 1)
  assert.equal(queue.pending.length, 0)
  await until('the end of the timer', () => queue.throttleCheckTimeoutId === null)
})

test('a request beyond those in flight is sent when one is answered', () => {
  sparePendingChecks()
  const { queue, sent, push, answer } = open(1)
  push(1)
  push(2)
  assert.deepEqual(sent, [1])
  answer(1)
  assert.deepEqual(sent, [1, 2])
  queue.destroy()
})
