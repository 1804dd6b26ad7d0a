import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ReadyIterator } from '../../src/pipeline/ready-iterator.js'
import { settleAll } from '../../src/pipeline/settle-all.js'

/** A source that always has the next number ready, up to `end`. */
function ready(end: number): { readonly items: AsyncIterable<number>; readonly given: () => number } {
  let given = 0
  let closed = false
  const nextReady = (): IteratorResult<number> =>
    closed || given === end ? { done: true, value: undefined } : { done: false, value: given++ }
  const iterator: ReadyIterator<number> = {
    nextReady,
    next: () => Promise.resolve(nextReady()),
    return: () => {
      closed = true
      return Promise.resolve({ done: true, value: undefined })
    },
  }
  return { items: { [Symbol.asyncIterator]: () => iterator }, given: () => given }
}

const quiet = { concurrency: 1000, signal: undefined, onError: () => undefined }

describe('settleAll, of a source that has everything ready', () => {
  it('finishes every item, in order', async () => {
    const { items } = ready(1000)
    const finished: number[] = []
    await settleAll(items, { ...quiet, finish: (item) => void finished.push(item) })
    assert.deepEqual(finished, [...Array(1000).keys()])
  })

  it('notices the first failure at once, also of a promise', async () => {
    const { items } = ready(1000)
    const finished: number[] = []
    const finish = (item: number) => {
      finished.push(item)
      return item === 3 ? Promise.reject(new Error('item 3')) : undefined
    }
    await assert.rejects(settleAll(items, { ...quiet, finish }), /item 3/)
    assert.ok(finished.length <= 6, `${finished.length} items were begun`)
  })

  it('lets others have their turn: an abort gets in', async () => {
    const { items, given } = ready(Infinity)
    const abort = new AbortController()
    queueMicrotask(() => abort.abort(new Error('enough')))
    await assert.rejects(
      settleAll(items, { ...quiet, signal: abort.signal, finish: () => undefined }),
      /enough/,
    )
    assert.ok(given() <= 300, `${given()} items were taken`)
  })
})
