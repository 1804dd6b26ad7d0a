import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { map, mapConcurrent } from '../../src/pipeline/index.js'
import { nextReady } from '../../src/pipeline/ready-iterator.js'
import { collect, range, ReadySource, sourceError, WatchedSource } from './support/watched-source.js'

const double = (item: number) => 2 * item

describe('items that are there already', () => {
  it('pass a chain of stages without a promise', () => {
    const source = new ReadySource(range(3))
    const iterator = map(double)(map(double)(source))[Symbol.asyncIterator]()
    assert.deepEqual(
      range(3).map(() => nextReady(iterator)?.value as unknown),
      [0, 4, 8],
    )
    assert.deepEqual(nextReady(iterator), { done: true, value: undefined })
    assert.equal(source.ended, true)
  })

  it('are handed on in order, whether they are asked for in one way or the other', async () => {
    const iterator = map(double)(new ReadySource(range(6)))[Symbol.asyncIterator]()
    const seen: unknown[] = []
    for (let turn = 0; turn < 3; turn++) {
      seen.push(nextReady(iterator)?.value, (await iterator.next()).value)
    }
    assert.deepEqual(seen, range(6).map(double))
    assert.equal((await iterator.next()).done, true)
    assert.deepEqual(nextReady(iterator), { done: true, value: undefined })
  })

  it('are not asked of a source that can only promise', () => {
    const source = new WatchedSource(range(3))
    const iterator = map(double)(source)[Symbol.asyncIterator]()
    assert.equal(nextReady(iterator), undefined)
    assert.deepEqual(source.given, [])
  })

  it('come before an error, which only next() tells', async () => {
    const iterator = map(double)(new ReadySource(range(1), { then: 'throw' }))[Symbol.asyncIterator]()
    assert.equal(nextReady(iterator)?.value, 0)
    assert.equal(nextReady(iterator), undefined)
    await assert.rejects(iterator.next(), sourceError)
    assert.deepEqual(nextReady(iterator), { done: true, value: undefined })
  })

  it('do not end up on the stack, however many there are', async () => {
    const stage = mapConcurrent(double, { concurrency: 100_000, order: 'input', onError: 'throw' })
    assert.deepEqual(await collect(stage(new ReadySource(range(100_000)))), range(100_000).map(double))
  })
})
