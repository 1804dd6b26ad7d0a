import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createKafkaClient } from '../../src/kafka/kafkajs-client.js'
import type { FakeNlpBehaviour } from '../support/fake-nlp.js'
import { sharedStack } from '../support/stack.js'
import { assertExact, TestBed, type Line } from '../support/test-bed.js'
import { until } from '../support/until.js'

const stack = sharedStack()

describe('offsets', () => {
  let bed: TestBed

  before(() => {
    bed = new TestBed(stack)
  })
  after(() => bed.close())

  /** All of the topic is committed, markers and gaps at its end included. */
  async function allIsCommitted({ group, topic }: Line): Promise<void> {
    await until('all is committed', async () => {
      const committed = await bed.kafka.committedOffsets(group, topic)
      const ends = await bed.kafka.endOffsets(topic)
      return committed.every((offset, partition) => offset === ends[partition])
    })
  }

  describe('with one record that is stuck', () => {
    it(
      'are not committed past it, while its partition and the others flow; and a restart asks for it alone',
      { skip: stack.skip },
      async (t) => {
        const stuck = 4
        let heals = false
        const script = ([text = '']: readonly string[]): FakeNlpBehaviour | undefined =>
          !heals && text.endsWith(` record ${stuck}`) ? { status: 503 } : undefined
        const nlp = await bed.nlp(t, { script })
        const load = await bed.load(t, { partitions: 3, count: 3000 })
        const settings = {
          ...load.settings({ ...stack, nlp: nlp.url }),
          'pipeline.bufferSize': 50,
          'nlp.maxConcurrency': 32,
        }
        const first = bed.start(t, settings)
        load.startSampling()
        await load.indexed(2999)
        await until('the other partitions are committed', async () => {
          const [zero, , two] = await bed.kafka.committedOffsets(load.group, load.topic)
          return zero === 1000 && two === 1000
        })
        assert.equal((await bed.kafka.committedOffsets(load.group, load.topic))[1], 1)
        assert.equal((await first.stop()).code, 0, first.tail())
        assert.equal((await first.logged('daemon.stopped'))['released'], 1)
        assert.equal((await bed.kafka.committedOffsets(load.group, load.topic))[1], 1)
        heals = true
        const second = bed.start(t, settings)
        await load.settled()
        assert.equal((await second.stop()).code, 0, second.tail())
        assertExact(await load.report(nlp.answered))
      },
    )

    it('go on once its calls have timed out often enough', { skip: stack.skip }, async (t) => {
      const hangs = 11
      const script = ([text = '']: readonly string[]): FakeNlpBehaviour | undefined =>
        text.endsWith(` record ${hangs}`) ? { fault: 'hang' } : undefined
      // So slow that the others are under way until its last attempt is over: nobody has to ask whether the service is at fault.
      const nlp = await bed.nlp(t, { script, settings: { latencyMs: 30 } })
      const load = await bed.load(t, { partitions: 2, count: 500 })
      const daemon = bed.start(t, {
        ...load.settings({ ...stack, nlp: nlp.url }),
        'nlp.timeoutMs': 400,
        'nlp.retry.limit': 2,
        'nlp.retry.delayMs': 50,
      })
      load.startSampling()
      await load.settled()
      const rejected = await daemon.logged('record.rejected')
      assert.deepEqual(
        [rejected['reason'], rejected['partition'], rejected['offset'], rejected['attempts']],
        ['nlp-failed', 1, 5, 2],
      )
      assert.equal((await daemon.stop()).code, 0, daemon.tail())
      assertExact(await load.report(nlp.answered), { deadLettered: 1 })
    })
  })

  describe('of a transactional topic', () => {
    const write = async ({ topic }: Line, texts: readonly string[], end: 'commit' | 'abort') => {
      const records = texts.map((value, n) => ({ value, partition: n % 2 }))
      await bed.kafka.produce(topic, records, { transaction: end })
    }
    const batch = (name: string) => Array.from({ length: 20 }, (_, n) => `${name} ${n}`)

    async function fill(line: Line): Promise<void> {
      await write(line, batch('kept'), 'commit')
      await write(line, batch('aborted'), 'abort')
      await write(line, batch('kept too'), 'commit')
      await write(line, batch('aborted at the end'), 'abort')
    }

    it('reach the end, though it ends in aborted records and markers', { skip: stack.skip }, async (t) => {
      const nlp = await bed.nlp(t)
      const line = await bed.line(t, { partitions: 2 })
      await fill(line)
      const daemon = bed.start(t, line.settings(nlp))
      await line.settled(40)
      await allIsCommitted(line)
      await write(line, batch('aborted later'), 'abort')
      await allIsCommitted(line)
      assert.equal((await daemon.stop()).code, 0, daemon.tail())
      const texts = [...(await line.documents()).values()].map(({ _source }) => _source.message).sort()
      assert.deepEqual(texts, [...batch('kept'), ...batch('kept too')].sort())
      assert.equal(nlp.answered.length, 40)
    })

    it('count aborted records as records where they are asked for', { skip: stack.skip }, async (t) => {
      const nlp = await bed.nlp(t)
      const line = await bed.line(t, { partitions: 2 })
      await fill(line)
      const daemon = bed.start(t, { ...line.settings(nlp), 'kafka.isolationLevel': 'readUncommitted' })
      await line.settled(80)
      await allIsCommitted(line)
      assert.equal((await daemon.stop()).code, 0, daemon.tail())
    })
  })

  it('of a compacted topic pass its gaps', { skip: stack.skip }, async (t) => {
    const nlp = await bed.nlp(t)
    const line = await bed.line(t, {
      config: {
        'cleanup.policy': 'compact',
        'segment.ms': '200',
        'min.cleanable.dirty.ratio': '0.01',
        'delete.retention.ms': '100',
      },
    })
    for (let round = 0; round < 4; round++) {
      await bed.kafka.produce(
        line.topic,
        Array.from({ length: 50 }, (_, n) => ({ key: `key-${n % (7 + round)}`, value: `${round} ${n}` })),
      )
      await bed.kafka.produce(line.topic, [{ key: 'key-1', value: null }])
      // The next write begins a new segment: only those before it are compacted.
      await pause(250)
    }
    await bed.kafka.produce(line.topic, [{ key: 'last', value: 'the last record' }])
    let left: { offset: string; value: Buffer | null }[] = []
    await until('the topic is compacted', async () => {
      left = await bed.kafka.consumeAll(line.topic)
      return left.length < 60
    })
    const settings = line.settings(nlp)
    const daemon = bed.start(t, settings)
    await allIsCommitted(line)
    assert.equal((await daemon.stop()).code, 0, daemon.tail())
    const { indexed } = await line.ended()
    assert.ok(indexed >= 10 && indexed <= left.length, `${indexed} documents of ${left.length} records`)
    assert.ok((await line.documents()).has('0/204'), 'the last record is there')
    const next = bed.start(t, settings)
    await bed.kafka.produce(line.topic, [{ key: 'later', value: 'one more' }])
    await allIsCommitted(line)
    assert.equal((await next.stop()).code, 0, next.tail())
    assert.equal(new Set(nlp.answered).size, nlp.answered.length, 'no call is repeated')
  })

  it(
    'begin at the end with kafka.fromBeginning false, once; later partitions and topics begin at their beginning',
    { skip: stack.skip },
    async (t) => {
      const nlp = await bed.nlp(t)
      const line = await bed.line(t, { partitions: 2 })
      const write = (name: string, partitions: number) =>
        bed.kafka.produce(
          line.topic,
          Array.from({ length: 12 }, (_, n) => ({ value: `${name} ${n}`, partition: n % partitions })),
        )
      const settings = { ...line.settings(nlp), 'kafka.fromBeginning': false }
      await write('before the group', 2)
      const first = bed.start(t, settings)
      await first.logged('daemon.running')
      await write('while it runs', 2)
      await line.settled(12)
      assert.equal((await first.stop()).code, 0, first.tail())
      await write('while nobody reads', 2)
      const second = bed.start(t, settings)
      await line.settled(24)
      await bed.kafka.addPartitions(line.topic, 3)
      await write('with a new partition', 3)
      await line.settled(36)
      await allIsCommitted(line)
      assert.equal((await second.stop()).code, 0, second.tail())
      const texts = [...(await line.documents()).values()].map(({ _source }) => _source.message)
      assert.deepEqual(
        texts.filter((text) => text.startsWith('before')),
        [],
      )
      assert.equal(texts.length, 36)
    },
  )

  it(
    'begin at the end of all topics also where a member comes while another does so',
    { skip: stack.skip },
    async (t) => {
      const nlp = await bed.nlp(t)
      const lines = await Promise.all([bed.line(t), bed.line(t), bed.line(t)])
      const [first] = lines
      const write = async (value: string) => {
        for (const { topic } of lines) await bed.kafka.produce(topic, [{ value }])
      }
      await write('before')
      const settings = {
        ...first.settings(nlp),
        'kafka.topics': lines.map(({ topic }) => topic).join(','),
        'kafka.fromBeginning': false,
      }
      const members = [bed.start(t, settings)]
      await until('the first topic has its offset', async () => {
        return (await bed.kafka.committedOffsets(first.group, first.topic))[0] === 1
      })
      members.push(bed.start(t, settings))
      for (const member of members) await member.logged('daemon.running')
      await write('after')
      await first.settled(3)
      for (const member of members) assert.equal((await member.stop()).code, 0, member.tail())
      assert.deepEqual(nlp.answered, ['after', 'after', 'after'])
    },
  )

  it(
    'tell the lag of all partitions from the start, and while the line waits and nothing is fetched',
    { skip: stack.skip },
    async (t) => {
      const nlp = await bed.nlp(t, { settings: { status: 503 } })
      const line = await bed.line(t, { partitions: 8 })
      const write = (count: number) =>
        bed.kafka.produce(
          line.topic,
          Array.from({ length: count }, (_, n) => ({ value: `record ${n}`, partition: n % 8 })),
        )
      await write(800)
      const daemon = bed.start(t, { ...line.settings(nlp), 'pipeline.bufferSize': 10 })
      const { admin } = await daemon.logged('daemon.starting')
      const lag = async () => {
        const answer = await fetch(new URL('/status', String(admin)))
        return ((await answer.json()) as { lag?: number }).lag
      }
      await until('all of the topic is known', async () => (await lag()) === 800)
      await daemon.logged('nlp.down')
      await write(160)
      await until('what came since the line waits is known', async () => (await lag()) === 960)
      nlp.change({})
      await line.settled(960)
      await until('the lag is gone', async () => (await lag()) === 0)
      assert.equal((await daemon.stop()).code, 0, daemon.tail())
    },
  )

  it('can be set from outside, but not while the group has members', { skip: stack.skip }, async (t) => {
    const nlp = await bed.nlp(t)
    const line = await bed.line(t)
    await bed.kafka.produce(line.topic, [{ value: 'skipped' }, { value: 'read' }])
    const nowhere = () => undefined
    const client = createKafkaClient({
      brokers: stack.kafka,
      clientId: 'test',
      log: nowhere,
      waiting: nowhere,
      removedDead: nowhere,
      couldNotRemoveDead: nowhere,
    })
    const admin = client.admin()
    t.after(() => admin.close())
    const set = () => admin.setCommitted(line.group, [{ topic: line.topic, partition: 0, offset: 1 }])
    await set()
    const daemon = bed.start(t, line.settings(nlp))
    await line.settled(1)
    await assert.rejects(set(), { code: 'KAFKA_GROUP_IN_USE' })
    assert.equal((await daemon.stop()).code, 0, daemon.tail())
    assert.deepEqual(nlp.answered, ['read'])
    await set()
  })

  it(
    'that retention overtook are told as an error, and reading goes on from the earliest',
    { skip: stack.skip },
    async (t) => {
      const nlp = await bed.nlp(t)
      const line = await bed.line(t)
      const write = (name: string) =>
        bed.kafka.produce(
          line.topic,
          Array.from({ length: 10 }, (_, n) => ({ value: `${name} ${n}` })),
        )
      const settings = line.settings(nlp)
      await write('read')
      const first = bed.start(t, settings)
      await line.settled(10)
      assert.equal((await first.stop()).code, 0, first.tail())
      await write('gone')
      await write('there')
      const admin = await bed.kafka.admin()
      await admin.deleteTopicRecords({ topic: line.topic, partitions: [{ partition: 0, offset: '20' }] })
      const second = bed.start(t, settings)
      await line.settled(20)
      await allIsCommitted(line)
      const gap = await second.logged('kafka.offset_out_of_range')
      assert.deepEqual([gap.level, gap['topic'], gap['partition']], ['error', line.topic, 0])
      assert.equal((await second.stop()).code, 0, second.tail())
      const texts = [...(await line.documents()).values()].map(({ _source }) => _source.message)
      assert.deepEqual(
        texts.filter((text) => text.startsWith('gone')),
        [],
      )
    },
  )
})
