import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, it } from 'node:test'
import type { PendingCommit } from '../../src/delivery/committer.js'
import type { SourceRecord } from '../../src/delivery/delivery.js'
import type {
  FetchedMessage,
  GroupHandler,
  GroupMember,
  KafkaClient,
  PartitionEdge,
} from '../../src/kafka/kafka-client.js'
import { systemClock } from '../../src/pipeline/clock.js'
import { KafkaSource, type KafkaSourceOptions } from '../../src/source/kafka-source.js'
import { silentTelemetry } from '../../src/telemetry/silent-telemetry.js'
import { FakeClock } from '../support/fake-clock.js'
import { until } from '../support/until.js'

/** A group member that the test moves by hand. */
class FakeMember implements GroupMember {
  handler!: GroupHandler
  readonly commits: PendingCommit[][] = []
  readonly paused = new Set<number>()
  metadata = ''
  committedOffset = 0
  end = 0
  aliveAt = 0
  canCommit = true

  run(): Promise<void> {
    return Promise.resolve()
  }
  pause(partitions: readonly { partition: number }[]): void {
    for (const { partition } of partitions) this.paused.add(partition)
  }
  resume(partitions: readonly { partition: number }[]): void {
    for (const { partition } of partitions) this.paused.delete(partition)
  }
  commit(pending: readonly PendingCommit[]): Promise<void> {
    this.commits.push([...pending])
    return Promise.resolve()
  }
  committed(partitions: readonly { topic: string; partition: number }[]) {
    const { metadata, committedOffset: offset } = this
    return Promise.resolve(partitions.map(({ topic, partition }) => ({ topic, partition, offset, metadata })))
  }
  offsets(partitions: readonly { topic: string; partition: number }[], edge: PartitionEdge) {
    const offset = edge === 'earliest' ? 0 : this.end
    return Promise.resolve(partitions.map(({ topic, partition }) => ({ topic, partition, offset })))
  }
  leave(): Promise<void> {
    this.handler.left(undefined)
    return Promise.resolve()
  }

  assign(partitions: readonly number[], continued = true) {
    return this.handler.joined(
      partitions.map((partition) => ({ topic: 't', partition })),
      continued,
    )
  }

  fetch(
    partition: number,
    offsets: readonly number[],
    signal = new AbortController().signal,
  ): Promise<number> {
    const messages = offsets.map((offset): FetchedMessage => ({
      offset: String(offset),
      timestamp: '5',
      key: null,
      value: Buffer.from('x'),
    }))
    const endPosition = (offsets.at(-1) ?? 0) + 1
    return this.handler.fetched(
      { topic: 't', partition, messages, endPosition, highWatermark: endPosition },
      signal,
    )
  }
}

const open: KafkaSource[] = []

function setUp(options: Partial<KafkaSourceOptions> = {}) {
  const member = new FakeMember()
  const client: KafkaClient = {
    member: ({ handler }) => {
      member.handler = handler
      return member
    },
    producer: () => {
      throw new Error('not used')
    },
    admin: () => {
      throw new Error('not used')
    },
  }
  const source = new KafkaSource({
    client,
    topics: () => Promise.resolve(['t']),
    group: {
      groupId: 'g',
      sessionTimeoutMs: 1000,
      heartbeatIntervalMs: 100,
      isolationLevel: 'readCommitted',
    },
    bufferSize: 100,
    maxBufferedBytes: 1000,
    maxUnsettledPerPartition: 50,
    commitIntervalMs: 0,
    rebalanceDrainMs: 10_000,
    telemetry: silentTelemetry,
    clock: systemClock,
    ...options,
  })
  open.push(source)
  const records = source[Symbol.asyncIterator]()
  const take = async (count: number): Promise<SourceRecord[]> => {
    const taken: SourceRecord[] = []
    while (taken.length < count) {
      const result = await records.next()
      if (result.done === true) throw new Error('the iteration ended')
      taken.push(result.value)
    }
    return taken
  }
  return { member, source, records, take }
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, at) => from + at)

describe('KafkaSource', () => {
  afterEach(async () => {
    for (const source of open.splice(0)) await source.leave(0)
  })

  it('commits the contiguous settled prefix, and keeps what is settled beyond it with the commit', async () => {
    const { member, source, take } = setUp()
    member.assign([0])
    await member.fetch(0, [10, 11, 12, 15])
    const [a, b, c] = await take(4)
    source.settle(a!)
    source.settle(c!)
    await source.commit()
    assert.equal(member.commits.at(-1)?.[0]?.offset, 11)
    assert.match(member.commits.at(-1)?.[0]?.metadata ?? '', /^e1:/)
    source.settle(b!)
    await source.commit()
    assert.equal(member.commits.at(-1)?.[0]?.offset, 15)
  })

  it('skips what the owner before had settled beyond its commit', async () => {
    const before = setUp()
    before.member.assign([0])
    await before.member.fetch(0, range(0, 6))
    for (const record of await before.take(6))
      if (record.offset !== 0 && record.offset !== 4) before.source.settle(record)
    await before.source.commit()
    const after = setUp()
    after.member.metadata = before.member.commits.at(-1)?.[0]?.metadata ?? ''
    after.member.assign([0])
    await after.member.fetch(0, range(0, 6))
    const taken = await after.take(2)
    assert.deepEqual(
      taken.map(({ offset }) => offset),
      [0, 4],
    )
    for (const record of taken) after.source.settle(record)
    await after.source.commit()
    assert.equal(after.member.commits.at(-1)?.[0]?.offset, 6)
  })

  it('goes on where it was in partitions that stay, and hands nothing out a second time', async () => {
    const { member, take } = setUp()
    member.assign([0, 1])
    await member.fetch(0, range(0, 5))
    await take(2)
    assert.deepEqual(member.assign([0]), [{ topic: 't', partition: 0, offset: 5 }])
    await member.fetch(0, range(0, 8))
    assert.deepEqual(
      (await take(6)).map(({ offset }) => offset),
      range(2, 8),
    )
  })

  it('ends the lease of a partition that moves, forgets what waited, and never commits for it again', async () => {
    const { member, source, take } = setUp()
    member.assign([0, 1])
    await member.fetch(0, range(0, 5))
    const [first] = await take(1)
    member.assign([1])
    assert.equal(first?.lease.aborted, true)
    source.release(first)
    assert.equal(source.state.waiting, 0)
    assert.equal(source.state.bufferedBytes, 0)
    await source.commit()
    assert.deepEqual(
      member.commits.flat().filter(({ partition, offset }) => partition === 0 && offset > 0),
      [],
    )
  })

  it('takes nothing for kept when it is a new member: somebody else may have read meanwhile', async () => {
    const { member, take } = setUp()
    member.assign([0])
    await member.fetch(0, range(0, 3))
    const [first] = await take(1)
    assert.deepEqual(member.assign([0], false), [])
    assert.equal(first?.lease.aborted, true)
    await member.fetch(0, range(0, 3))
    assert.deepEqual(
      (await take(3)).map(({ offset }) => offset),
      [0, 1, 2],
    )
  })

  it('makes a rebalance a small drain: hands nothing out, waits for what is in flight, commits, and only then joins', async () => {
    const { member, source, records, take } = setUp()
    member.assign([0])
    await member.fetch(0, range(0, 5))
    const taken = await take(2)
    let joined = false
    const joining = member.handler.joining().then(() => (joined = true))
    let handedOut = false
    void records.next().then(() => (handedOut = true))
    source.settle(taken[0]!)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(joined, false)
    source.settle(taken[1]!)
    await joining
    assert.equal(member.commits.at(-1)?.[0]?.offset, 2)
    assert.equal(handedOut, false)
    member.assign([0])
    await until('records flow again', () => handedOut)
  })

  it('counts as alive while it waits for the group, however long that takes', async () => {
    const { member, source } = setUp()
    member.assign([0])
    assert.equal(source.aliveAt, member.aliveAt)
    await member.handler.joining()
    assert.ok(source.aliveAt > member.aliveAt)
    member.assign([0])
    assert.equal(source.aliveAt, member.aliveAt)
  })

  it('waits no longer than the bound for what is in flight', async () => {
    const { member, take } = setUp({ rebalanceDrainMs: 20 })
    member.assign([0])
    await member.fetch(0, [0])
    await take(1)
    await member.handler.joining()
  })

  it('holds the fetch while its bounds are reached, in records and in bytes', async () => {
    const { member, source, take } = setUp({ bufferSize: 4, maxBufferedBytes: 6 })
    member.assign([0])
    let fetched = false
    const fetching = member.fetch(0, range(0, 10)).then(() => (fetched = true))
    await until('the queue is full', () => source.state.waiting === 3)
    const first = await take(3)
    await until('the bytes are reached', () => source.state.bufferedBytes === 6)
    assert.equal(source.state.waiting, 3)
    assert.equal(fetched, false)
    for (const record of first) source.settle(record)
    for (const record of await take(4)) source.settle(record)
    await fetching
  })

  describe('with one partition that is far behind', () => {
    const where = ({ partition, offset }: SourceRecord) => `${partition}/${offset}`

    /** Partition 0 fills the queue, and most of its fetch waits. */
    async function behind({ othersEnd = 40, maxBufferedBytes = 1e6 } = {}) {
      const clock = new FakeClock()
      const set = setUp({ clock, bufferSize: 10, maxBufferedBytes })
      set.member.end = othersEnd
      set.member.assign([0, 1])
      let readOn: number | undefined
      void set.member.fetch(0, range(0, 40)).then((position) => (readOn = position))
      await until(
        'the queue is full for it',
        () => set.source.state.waiting === Math.min(8, maxBufferedBytes),
      )
      return { ...set, clock, readOn: () => readOn }
    }

    it('lets the others take turns with it, and always has a place for them', async () => {
      const { member, take } = await behind()
      await member.fetch(1, [0])
      assert.deepEqual((await take(3)).map(where), ['0/0', '1/0', '0/1'])
    })

    it('gives way to others that are not in its fetch, once it is known that they have records', async () => {
      const { clock, take, readOn } = await behind()
      await take(1)
      assert.equal(readOn(), undefined)
      await clock.pass(5000)
      assert.equal(readOn(), 8, 'reading goes on at the first that did not pass')
    })

    it('keeps places for them also where others are behind, one fetch after the other', async () => {
      const { source, member, take } = setUp({ bufferSize: 100, maxBufferedBytes: 1e6 })
      member.assign(range(0, 12))
      for (const partition of range(0, 8)) {
        void member.fetch(partition, range(0, 40))
        await pause(5)
      }
      assert.ok(source.state.waiting < 100, `${source.state.waiting} wait`)
      await Promise.all(range(8, 12).map((partition) => member.fetch(partition, [0])))
      const taken = new Set((await take(12)).map(({ partition }) => partition))
      assert.equal(taken.size, 12)
    })

    it('holds no more than the bound, also where many fetches are handed over at once', async () => {
      const { source, member } = setUp({ bufferSize: 5, maxBufferedBytes: 1e6 })
      const partitions = range(0, 64)
      member.assign(partitions)
      for (const partition of partitions) void member.fetch(partition, range(0, 40))
      await pause(20)
      assert.equal(source.state.waiting, 5)
    })

    it('does not give way with a record that waits for bytes', async () => {
      const { source, clock, take } = await behind({ maxBufferedBytes: 6 })
      assert.equal(source.state.waiting, 6)
      const taken = await take(1)
      await clock.pass(20_000)
      for (const record of taken) source.settle(record)
      await until('the next one has passed', () => source.state.waiting === 6)
    })

    it('does not fetch again while the others have nothing', async () => {
      const { clock, take, readOn } = await behind({ othersEnd: 0 })
      await take(1)
      await clock.pass(20_000)
      assert.equal(readOn(), undefined)
    })

    it('does not fetch again while the line stands still', async () => {
      const { clock, readOn } = await behind()
      await clock.pass(20_000)
      assert.equal(readOn(), undefined)
    })
  })

  it('pauses a partition alone when too many of its records are unsettled, and resumes it', async () => {
    const { member, source, take } = setUp({ maxUnsettledPerPartition: 4 })
    member.assign([0, 1])
    assert.equal(await member.fetch(0, range(0, 10)), 4, 'reading goes on at the first that did not pass')
    assert.deepEqual([...member.paused], [0])
    assert.equal(await member.fetch(1, range(0, 3)), 3)
    const ofPartition0 = (await take(4)).filter(({ partition }) => partition === 0)
    assert.equal(ofPartition0.length, 2)
    for (const record of ofPartition0) source.settle(record)
    assert.deepEqual([...member.paused], [])
  })

  it('resumes a partition that was paused when it went, once it comes back or is read anew', async () => {
    const { member } = setUp({ maxUnsettledPerPartition: 2 })
    const fill = async () => {
      await member.fetch(0, [1, 2, 3])
      assert.deepEqual([...member.paused], [0])
    }
    member.assign([0])
    await fill()
    member.assign([])
    member.assign([0])
    assert.deepEqual([...member.paused], [])
    await fill()
    member.handler.outOfRange({ topic: 't', partition: 0 })
    assert.deepEqual([...member.paused], [])
  })

  it('commits the end of a fetch that ends in records which are not for us, and of one that holds no other', async () => {
    const { member, source, take } = setUp()
    member.assign([0])
    await member.fetch(0, [0])
    source.settle((await take(1))[0]!)
    member.handler.skipped({ topic: 't', partition: 0 }, 7)
    await source.commit()
    assert.equal(member.commits.at(-1)?.[0]?.offset, 7)
  })

  it('does not read again what it had settled before it lost its membership and the commit with it', async () => {
    const { member, source, take } = setUp()
    member.assign([0])
    await member.fetch(0, range(0, 6))
    const records = await take(6)
    for (const at of [0, 1, 4]) source.settle(records[at]!)
    member.assign([0], false)
    source.settle(records[3]!)
    source.release(records[2]!)
    source.release(records[5]!)
    await member.fetch(0, range(0, 7))
    assert.deepEqual(
      (await take(3)).map(({ offset }) => offset),
      [2, 5, 6],
    )
  })

  it('keeps in mind what was settled, though the membership is lost twice before it is read again', async () => {
    const { member, source, take } = setUp()
    member.assign([0])
    await member.fetch(0, range(0, 6))
    for (const record of await take(6)) if (record.offset !== 5) source.settle(record)
    member.assign([0], false)
    await member.fetch(0, [0])
    member.assign([0], false)
    await member.fetch(0, range(0, 6))
    assert.deepEqual(
      (await take(1)).map(({ offset }) => offset),
      [5],
    )
  })

  it('reads everything again where the offset of the group went back while it was out', async () => {
    const { member, source, take } = setUp()
    member.committedOffset = 3
    member.assign([0])
    await member.fetch(0, range(3, 6))
    for (const record of await take(3)) source.settle(record)
    member.committedOffset = 2
    member.assign([0], false)
    await member.fetch(0, range(2, 6))
    assert.deepEqual(
      (await take(4)).map(({ offset }) => offset),
      [2, 3, 4, 5],
    )
  })

  it('hands nothing out while a commit hangs', async () => {
    const { member, source, take } = setUp()
    member.assign([0])
    await member.fetch(0, range(0, 3))
    const [first] = await take(1)
    let answer = (): void => undefined
    member.commit = () => new Promise<void>((resolve) => (answer = resolve))
    source.settle(first!)
    await pause(1100)
    const next = take(1)
    const late = Symbol('late')
    assert.equal(await Promise.race([next, pause(50, late)]), late)
    answer()
    assert.equal((await next)[0]?.offset, 1)
  })

  it('begins anew where its offsets are gone, and releases what was in flight', async () => {
    const { member, source, take } = setUp()
    member.assign([0])
    await member.fetch(0, range(100, 103))
    const [first] = await take(1)
    member.handler.outOfRange({ topic: 't', partition: 0 })
    assert.equal(first?.lease.aborted, true)
    source.release(first)
    await member.fetch(0, [0, 1])
    assert.deepEqual(
      (await take(2)).map(({ offset }) => offset),
      [0, 1],
    )
  })

  it('ends its iteration when the drain begins, leaves what waited in Kafka, and fetches no more', async () => {
    const { member, source, records, take } = setUp()
    member.assign([0])
    await member.fetch(0, range(0, 5))
    const [first] = await take(1)
    assert.equal(source.beginDrain(), 4)
    assert.equal((await records.next()).done, true)
    assert.deepEqual([...member.paused], [0])
    source.settle(first!)
    assert.equal(await source.commit(), true)
    assert.equal(member.commits.at(-1)?.[0]?.offset, 1)
    assert.deepEqual(source.uncommitted, [{ topic: 't', partition: 0, from: 1, to: 5 }])
  })
})
