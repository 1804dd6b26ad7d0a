import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, it } from 'node:test'
import type {
  FetchedBatch,
  GroupHandler,
  GroupMemberOptions,
  KafkaAdmin,
} from '../../src/kafka/kafka-client.js'
import { KafkajsMember } from '../../src/kafka/kafkajs-member.js'
import { until } from '../support/until.js'
import { protocolError, StubKafka, type StubBrokers } from './support/stub-kafka.js'

const nothing = () => undefined

function setUp(
  brokers: StubBrokers,
  handler: Partial<GroupHandler>,
  {
    partitions = 2,
    isolationLevel = 'readUncommitted',
    topicId = () => 'an id',
  }: {
    partitions?: number
    isolationLevel?: GroupMemberOptions['isolationLevel']
    topicId?: () => string
  } = {},
) {
  const stub = new StubKafka(brokers)
  const admin = {
    partitionCounts: () => Promise.resolve(new Map([['t', partitions]])),
    offsets: () => Promise.resolve([0, 1].map((partition) => ({ partition, earliest: 0, end: 1000 }))),
    close: () => Promise.resolve(),
  } satisfies Partial<KafkaAdmin>
  const member = new KafkajsMember(
    {
      groupId: 'g',
      sessionTimeoutMs: 30_000,
      heartbeatIntervalMs: 3000,
      isolationLevel,
      fetchMaxBytes: 1_000_000,
      handler: {
        joining: () => Promise.resolve(),
        joined: () => [],
        fetched: ({ endPosition }) => Promise.resolve(endPosition),
        skipped: nothing,
        outOfRange: nothing,
        left: nothing,
        ...handler,
      },
    },
    {
      kafka: () => stub.kafka(),
      admin: () => admin as unknown as KafkaAdmin,
      topicIds: () => ({
        of: () => Promise.resolve(new Map([['t', topicId()]])),
        close: () => Promise.resolve(),
      }),
      waiting: nothing,
      removedDead: nothing,
      couldNotRemoveDead: nothing,
    },
  )
  return member
}

describe('KafkajsMember', () => {
  it('takes nothing that was fetched before a rejoin for the first that it reads after it', async () => {
    let lost = false
    let moved = false
    let joins = 0
    /** Offsets of partition 1, of broker 2, by join. */
    const read: number[][] = []
    const member = setUp(
      {
        join: async (memberId) => {
          if (memberId !== '' && lost) throw protocolError('UNKNOWN_MEMBER_ID')
          return `member ${++joins}`
        },
        fetch: async ({ partition }) => {
          if (partition === 1) {
            // Longer than a rejoin.
            await pause(200)
            return 1
          }
          if (moved) {
            moved = false
            throw protocolError('NOT_LEADER_FOR_PARTITION')
          }
          await pause(3)
          return 0
        },
      },
      {
        joined: () => {
          lost = false
          read.push([])
          return []
        },
        fetched: ({ partition, messages, endPosition }: FetchedBatch) => {
          if (partition === 1) read.at(-1)?.push(...messages.map(({ offset }) => Number(offset)))
          return Promise.resolve(endPosition)
        },
      },
    )
    const running = member.run(['t'])
    const reads = (memberships: number) => () =>
      read.length > memberships && (read.at(-1)?.length ?? 0) > 1 && !moved
    await until('some were read', reads(0))
    for (let round = 1; round <= 8; round++) {
      // At other moments of a fetch each time.
      await pause(25 * round)
      lost = true
      moved = true
      await until('it has joined again and reads', reads(read.length))
    }
    await member.leave(1000)
    await running
    for (const offsets of read) assert.deepEqual(offsets, [...offsets.keys()])
  })

  it('does not ask the new leader of a partition for it, over and over, before the fetch of the old one is handed over', async () => {
    let leader: 1 | 2 = 1
    let lineWaits = true
    /** Partitions asked for, of either broker. */
    const asked: number[] = []
    const read: string[] = []
    const member = setUp(
      {
        leader: (partition) => (partition === 0 ? 1 : leader),
        join: () => Promise.resolve('member'),
        fetch: async ({ partition }) => {
          asked.push(partition)
          await pause(2)
          return 1
        },
      },
      {
        fetched: async ({ partition, messages, endPosition }: FetchedBatch) => {
          for (const { offset } of messages) read.push(`${partition}:${offset}`)
          if (partition === 0) await until('the line goes on', () => !lineWaits)
          return endPosition
        },
      },
    )
    const running = member.run(['t'])
    await until('a fetch has brought both', () => read.length === 2)
    leader = 2
    await pause(500)
    assert.deepEqual(read.toSorted(), ['0:0', '1:0'])
    assert.deepEqual(asked.toSorted(), [0, 1])
    lineWaits = false
    await until('both are read on', () => read.includes('0:1') && read.includes('1:1'))
    await member.leave(1000)
    await running
  })

  describe('goes on with a partition at its new leader', () => {
    interface Step {
      readonly leader: 1 | 2
      readonly nodes: readonly string[]
    }

    async function movesAway(steps: readonly [Step, ...Step[]]) {
      let [now] = steps
      let asked = 0
      const member = setUp(
        {
          leader: (partition) => (partition === 0 ? now.leader : 2),
          nodes: () => now.nodes,
          join: () => Promise.resolve('member'),
          fetch: async ({ partition }) => {
            if (partition === 0) asked++
            await pause(5)
            return 1
          },
        },
        {},
      )
      const running = member.run(['t'])
      for (const step of steps) {
        now = step
        await pause(300)
        asked = 0
        await until('the partition is fetched again and again', () => asked > 10, 2000)
      }
      await member.leave(1000)
      await running
    }

    const both = ['1', '2']
    it('where the old one has nothing left of ours', () =>
      movesAway([
        { leader: 1, nodes: both },
        { leader: 2, nodes: both },
      ]))
    it('where the old one goes, and comes back with nothing of ours', () =>
      movesAway([
        { leader: 1, nodes: both },
        { leader: 2, nodes: ['2'] },
        { leader: 2, nodes: both },
      ]))
  })

  it('reads a topic that was made again from its first record, also where a fetch of the old one is still handed over', async () => {
    let leader: 1 | 2 = 1
    let topicId = 'the first'
    let looks = 0
    let madeAgain = false
    let lineWaits = false
    let waits = false
    const asked: number[] = []
    const member = setUp(
      {
        leader: (partition) => (partition === 0 ? leader : 2),
        join: () => Promise.resolve('member'),
        fetch: async ({ partition, offset }) => {
          if (partition === 0) asked.push(offset)
          await pause(5)
          return 1
        },
      },
      {
        outOfRange: () => (madeAgain = true),
        fetched: async ({ partition, messages, endPosition }: FetchedBatch) => {
          if (partition === 1 || !lineWaits) return endPosition
          waits = true
          await until('the line goes on', () => !lineWaits)
          return Number(messages[0]?.offset)
        },
      },
      {
        topicId: () => {
          looks++
          return topicId
        },
      },
    )
    const running = member.run(['t'])
    await until('some were read', () => asked.length > 10)
    lineWaits = true
    await until('a fetch waits, and it is known which topic it is of', () => waits && looks > 0)
    leader = 2
    topicId = 'the second'
    await until('it is known', () => madeAgain)
    await pause(300)
    asked.length = 0
    lineWaits = false
    await until('it is read again', () => asked.length > 10)
    assert.equal(asked[0], 0)
    await member.leave(1000)
    await running
  })

  it('reads nothing while there are more partitions than handlers, and begins anew with enough of them', async () => {
    let joins = 0
    const read: string[] = []
    const member = setUp(
      {
        join: async () => `member ${++joins}`,
        fetch: async () => {
          await pause(3)
          return 1
        },
      },
      {
        // It goes on for a moment.
        joining: () => pause(50),
        fetched: ({ partition, endPosition }) => {
          read.push(`member ${joins}, partition ${partition}`)
          return Promise.resolve(endPosition)
        },
      },
      { partitions: 1 },
    )
    const running = member.run(['t'])
    const wanted = ['member 2, partition 0', 'member 2, partition 1']
    await until('both are read', () => wanted.every((line) => read.includes(line)))
    await member.leave(1000)
    await running
    assert.deepEqual([...new Set(read)].sort(), wanted)
  })

  for (const { isolationLevel, lastStableOffset, end } of [
    { isolationLevel: 'readCommitted', lastStableOffset: '900', end: 900 },
    { isolationLevel: 'readUncommitted', lastStableOffset: '900', end: 1000 },
    { isolationLevel: 'readCommitted', lastStableOffset: '-1', end: 1000 },
  ] as const)
    it(`tells of ${end} as the end, with ${isolationLevel} and open transactions from ${lastStableOffset} on`, async () => {
      let told: number | undefined
      const member = setUp(
        {
          lastStableOffset,
          join: () => Promise.resolve('member'),
          fetch: async () => {
            await pause(5)
            return 1
          },
        },
        {
          fetched: ({ endPosition, highWatermark }: FetchedBatch) => {
            told = highWatermark
            return Promise.resolve(endPosition)
          },
        },
        { isolationLevel },
      )
      const running = member.run(['t'])
      await until('something was fetched', () => told !== undefined)
      await member.leave(1000)
      await running
      assert.equal(told, end)
    })

  it('takes the member that it was out of the group after a crash, before it joins again', async () => {
    let crashes = 1
    const seen: string[] = []
    const member = setUp(
      {
        join: async () => {
          const id = `member ${seen.filter((line) => line.endsWith('joins')).length + 1}`
          seen.push(`${id} joins`)
          return id
        },
        leave: async (id) => {
          seen.push(`${id} leaves`)
          // kafkajs itself asks while the coordinator is away.
          if (seen.length === 2) throw protocolError('NOT_COORDINATOR_FOR_GROUP')
        },
        fetch: async () => {
          await pause(5)
          if (crashes-- > 0) throw protocolError('TOPIC_AUTHORIZATION_FAILED')
          return 1
        },
      },
      {},
    )
    const running = member.run(['t'])
    await until('it has joined again', () => seen.includes('member 2 joins'))
    assert.deepEqual(seen, ['member 1 joins', 'member 1 leaves', 'member 1 leaves', 'member 2 joins'])
    await member.leave(1000)
    await running
  })

  it('takes orders while kafkajs, which has crashed, still waits for its requests', async () => {
    const partitions = [{ topic: 't', partition: 0 }]
    let forbidden = false
    let left: Error | undefined
    const member = setUp(
      {
        disconnectMs: 60,
        join: () => Promise.resolve('member'),
        fetch: async () => {
          await pause(5)
          if (forbidden) throw protocolError('TOPIC_AUTHORIZATION_FAILED')
          return 1
        },
      },
      { joined: () => [], left: (error) => (left ??= error) },
    )
    const running = member.run(['t'])
    await until('it reads', () => member.canCommit)
    forbidden = true
    await until('it is told', () => {
      member.pause(partitions)
      member.resume(partitions)
      return left !== undefined
    })
    await member.leave(1000)
    await running
  })
})
