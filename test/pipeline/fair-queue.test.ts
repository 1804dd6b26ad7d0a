import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FairQueue } from '../../src/pipeline/fair-queue.js'

function all<K, T>(queue: FairQueue<K, T>): T[] {
  return Array.from({ length: queue.length }, () => queue.shift())
}

describe('FairQueue', () => {
  it('lets keys take turns, and keeps the order within each', () => {
    const queue = new FairQueue<string, string>()
    for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) queue.push(item.charAt(0), item)
    assert.equal(queue.length, 6)
    assert.deepEqual(all(queue), ['a1', 'b1', 'c1', 'a2', 'c2', 'a3'])
    assert.equal(queue.length, 0)
  })

  it('gives a key that comes late its turn after one of each other', () => {
    const queue = new FairQueue<string, string>()
    for (let n = 1; n <= 1000; n++) queue.push('a', `a${n}`)
    queue.push('b', 'b1')
    assert.deepEqual([queue.shift(), queue.shift(), queue.shift()], ['a1', 'b1', 'a2'])
    assert.equal(queue.lengthOf('a'), 998)
    assert.equal(queue.lengthOf('b'), 0)
  })

  it('throws where nothing waits', () => {
    const queue = new FairQueue<string, number>()
    assert.throws(() => queue.shift(), RangeError)
    queue.push('a', 1)
    queue.shift()
    assert.throws(() => queue.shift(), RangeError)
  })

  it('takes out what is asked for, and goes on with the rest in turns', () => {
    const queue = new FairQueue<string, string>()
    for (const item of ['a1', 'a2', 'b1', 'b2', 'c1']) queue.push(item.charAt(0), item)
    assert.deepEqual(
      queue.takeWhere((item) => item.startsWith('b') || item === 'a1'),
      ['a1', 'b1', 'b2'],
    )
    assert.equal(queue.length, 2)
    queue.push('b', 'b3')
    assert.deepEqual(all(queue), ['a2', 'c1', 'b3'])
  })

  it('gives back a million at once', () => {
    const queue = new FairQueue<string, number>()
    for (let n = 0; n < 1e6; n++) queue.push('a', n)
    assert.equal(queue.takeWhere(() => true).length, 1e6)
    assert.equal(queue.length, 0)
  })

  it('does the same as one queue for each key, whatever comes and goes', () => {
    let seed = 7
    const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below
    const queue = new FairQueue<number, string>()
    const model: { key: number; items: string[] }[] = []
    for (let step = 0; step < 5000; step++) {
      const key = random(6)
      if (random(100) < 2) {
        queue.takeWhere((item) => item.startsWith(`${key}-`))
        const at = model.findIndex((lane) => lane.key === key)
        if (at >= 0) model.splice(at, 1)
      } else if (random(2) === 0) {
        queue.push(key, `${key}-${step}`)
        const lane = model.find((each) => each.key === key)
        if (lane) lane.items.push(`${key}-${step}`)
        else model.push({ key, items: [`${key}-${step}`] })
      } else if (model.length > 0) {
        const lane = model.shift()!
        assert.equal(queue.shift(), lane.items.shift())
        if (lane.items.length > 0) model.push(lane)
      }
      assert.equal(
        queue.length,
        model.reduce((sum, { items }) => sum + items.length, 0),
      )
    }
  })
})
