import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { WantedTopics } from '../../src/kafka/wanted-topics.js'

function wantedOf(names: readonly string[], there: Readonly<Record<string, number>>) {
  const missing: (readonly string[])[] = []
  const wanted = new WantedTopics({
    names,
    admin: () => ({ partitionCounts: () => Promise.resolve(new Map(Object.entries(there))) }),
    leaving: new AbortController().signal,
    missing: (_error, topics) => missing.push(topics),
  })
  return { wanted, missing }
}

describe('WantedTopics', () => {
  it('tells how many partitions those have that exist, and which do not', async () => {
    const { wanted, missing } = wantedOf(['a', 'b', 'gone'], { a: 3, b: 1, other: 9 })
    assert.deepEqual(
      [...(await wanted.existing())],
      [
        ['a', 3],
        ['b', 1],
      ],
    )
    assert.deepEqual(missing, [['gone']])
  })

  it('takes a topic that was named twice for one, so that all of them are read once that one is', async () => {
    const { wanted } = wantedOf(['a', 'a'], { a: 1 })
    assert.deepEqual(wanted.names, ['a'])
    assert.deepEqual([...(await wanted.existing()).keys()], wanted.names)
  })
})
