import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { WantedTopics } from '../../src/kafka/wanted-topics.js'

function wantedOf(names: readonly string[], there: Readonly<Record<string, number>>) {
  const seen = { asked: 0, missing: [] as (readonly string[])[] }
  const partitionCounts = () => {
    seen.asked++
    return Promise.resolve(new Map(Object.entries(there)))
  }
  const wanted = new WantedTopics({
    names,
    admin: () => ({ partitionCounts }),
    leaving: new AbortController().signal,
    missing: (_error, topics) => seen.missing.push(topics),
  })
  return { wanted, seen }
}

describe('WantedTopics', () => {
  it('tells how many partitions those have that exist, and which do not', async () => {
    const { wanted, seen } = wantedOf(['a', 'b', 'gone'], { a: 3, b: 1, other: 9 })
    assert.deepEqual(
      [...(await wanted.existing())],
      [
        ['a', 3],
        ['b', 1],
      ],
    )
    assert.deepEqual(seen.missing, [['gone']])
  })

  it('looks for no other topics where all are read, also where one was named twice', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { wanted, seen } = wantedOf(['a', 'a'], { a: 1 })
    const reading = [...(await wanted.existing()).keys()]
    const asked = seen.asked
    const changed = wanted.changed(reading, new AbortController().signal)
    t.mock.timers.tick(5000)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(seen.asked, asked)
    wanted.gone('a')
    await changed
  })
})
