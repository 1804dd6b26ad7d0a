import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { buffer } from '../../src/pipeline/index.js'
import { range, turns, WatchedSource } from './support/watched-source.js'

describe('buffer', () => {
  it('works ahead of a slow consumer, as far as its size and no further', async () => {
    const source = new WatchedSource(range(100))
    const iterator = buffer<number>({ size: 5 })(source)[Symbol.asyncIterator]()
    assert.equal((await iterator.next()).value, 0)
    await turns()
    assert.equal(source.given.length, 6)
    assert.equal((await iterator.next()).value, 1)
    await turns()
    assert.equal(source.given.length, 7)
    await iterator.return?.()
    assert.equal((await iterator.next()).done, true, 'what waited is dropped')
  })

  it('refuses a size that is none', () => {
    for (const size of [0, -1, 1.5, NaN, Infinity])
      assert.throws(
        () => buffer({ size }),
        new RegExp(`RangeError: size: expected an integer of 1 or more, got ${size}`),
      )
  })
})
