import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { heldUntil } from '../../src/source/held-until.js'

async function* numbers(begun: () => void) {
  begun()
  yield* [1, 2, 3]
}

describe('a source that is held', () => {
  it('is not asked before all is ready, and then gives what it has', async () => {
    let begun = false
    let ready = (): void => assert.fail('nobody waits')
    const held = heldUntil(
      () => new Promise<void>((resolve) => (ready = resolve)),
      numbers(() => (begun = true)),
    )
    const items = held[Symbol.asyncIterator]()
    const first = items.next()
    await new Promise(setImmediate)
    assert.equal(begun, false)
    ready()
    assert.deepEqual(await first, { done: false, value: 1 })
    assert.deepEqual([(await items.next()).value, (await items.next()).value], [2, 3])
    assert.equal((await items.next()).done, true)
  })

  it('is closed by an early return, and ends with the error of what it waits for', async () => {
    let closed = 0
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: false, value: 1 }),
        return: () => {
          closed++
          return Promise.resolve({ done: true as const, value: undefined })
        },
      }),
    }
    for await (const item of heldUntil(() => Promise.resolve(), source)) if (item === 1) break
    assert.equal(closed, 1)
    const failing = heldUntil(() => Promise.reject(new Error('never ready')), source)
    await assert.rejects(failing[Symbol.asyncIterator]().next(), /never ready/)
  })
})
