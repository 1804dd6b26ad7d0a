import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { assignSticky, type Member } from '../../src/kafka/sticky-assigner.js'
import type { TopicPartition } from '../../src/telemetry/telemetry.js'

const topicNames = ['a', 'b', 'c']
const partitionsOf = (counts: readonly number[]): TopicPartition[] =>
  counts.flatMap((count, at) =>
    Array.from({ length: count }, (_, partition) => ({ topic: topicNames[at] ?? '', partition })),
  )

const groups = fc.record({
  counts: fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 3 }),
  subscriptions: fc.array(fc.subarray(topicNames, { minLength: 1 }), { minLength: 1, maxLength: 5 }),
})

function toMembers(
  subscriptions: readonly string[][],
  owned: ReadonlyMap<string, TopicPartition[]> = new Map(),
): Member[] {
  return subscriptions.map((topics, at) => ({ memberId: `m${at}`, topics, owned: owned.get(`m${at}`) ?? [] }))
}

const keyOf = ({ topic, partition }: TopicPartition) => `${topic}/${partition}`

describe('assignSticky', () => {
  it('gives every partition that somebody wants to exactly one member, which wants it', () => {
    fc.assert(
      fc.property(groups, ({ counts, subscriptions }) => {
        const members = toMembers(subscriptions)
        const partitions = partitionsOf(counts)
        const given = assignSticky(members, partitions)
        const all = [...given.values()].flat().map(keyOf)
        assert.equal(new Set(all).size, all.length)
        const wanted = partitions.filter(({ topic }) => members.some(({ topics }) => topics.includes(topic)))
        assert.deepEqual([...all].sort(), wanted.map(keyOf).sort())
        for (const { memberId, topics } of members) {
          for (const { topic } of given.get(memberId) ?? []) assert.ok(topics.includes(topic))
        }
      }),
    )
  })

  it('gives equal subscriptions equal shares, within one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 8 }), (count, size) => {
        const given = assignSticky(
          toMembers(Array.from({ length: size }, () => ['a'])),
          partitionsOf([count]),
        )
        const sizes = [...given.values()].map(({ length }) => length)
        assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1)
      }),
    )
  })

  it('moves nothing when nothing changed', () => {
    fc.assert(
      fc.property(groups, ({ counts, subscriptions }) => {
        const partitions = partitionsOf(counts)
        const before = assignSticky(toMembers(subscriptions), partitions)
        const after = assignSticky(toMembers(subscriptions, before), partitions)
        for (const [memberId, given] of before) {
          assert.deepEqual((after.get(memberId) ?? []).map(keyOf).sort(), given.map(keyOf).sort())
        }
      }),
    )
  })

  it('moves only what a new member gets', () => {
    const partitions = partitionsOf([8])
    const before = assignSticky(toMembers([['a'], ['a']]), partitions)
    const after = assignSticky(toMembers([['a'], ['a'], ['a']], before), partitions)
    const kept = ['m0', 'm1'].flatMap((id) =>
      (after.get(id) ?? []).map((each) => (before.get(id) ?? []).map(keyOf).includes(keyOf(each))),
    )
    assert.ok(kept.every(Boolean))
    assert.equal(after.get('m2')?.length, 2)
  })

  it('gives a topic that only one member knows to that member, whoever leads', () => {
    const given = assignSticky(toMembers([['a'], ['a', 'b']]), partitionsOf([4, 2]))
    assert.deepEqual((given.get('m1') ?? []).filter(({ topic }) => topic === 'b').length, 2)
    assert.deepEqual((given.get('m0') ?? []).filter(({ topic }) => topic === 'b').length, 0)
  })
})
