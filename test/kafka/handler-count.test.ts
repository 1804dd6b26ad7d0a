import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HandlerCount } from '../../src/kafka/handler-count.js'

async function isSettled(promise: Promise<void>): Promise<boolean> {
  const settled = promise.then(() => true)
  return Promise.race([settled, new Promise<boolean>((resolve) => setImmediate(() => resolve(false)))])
}

describe('HandlerCount', () => {
  it('is the number of partitions, 512 at first, and never none', () => {
    assert.equal(new HandlerCount().begin([4, 2]), 6)
    assert.equal(new HandlerCount().begin([1000, 24]), 512)
    assert.equal(new HandlerCount().begin([]), 1)
  })

  it('is outgrown by more partitions than handlers, and enough for them the next time', async () => {
    const handlers = new HandlerCount()
    handlers.begin([1000])
    handlers.assigned(512)
    assert.ok(!handlers.tooFew)
    assert.ok(!(await isSettled(handlers.outgrown())))
    handlers.assigned(1000)
    assert.ok(handlers.tooFew)
    assert.ok(await isSettled(handlers.outgrown()))
    assert.equal(handlers.begin([1000]), 1000)
    assert.ok(!handlers.tooFew)
    assert.ok(!(await isSettled(handlers.outgrown())))
  })
})
