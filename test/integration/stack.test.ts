import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { EsTestClient } from '../support/es-test-client.js'
import { KafkaTestClient, uniqueName } from '../support/kafka-test-client.js'
import { cannotStartStack, sharedStack, startStack } from '../support/stack.js'
import { until } from '../support/until.js'

const shared = sharedStack()

void describe('the shared stack', () => {
  // On each test, not on the suite: the runner does not count the tests of a skipped suite.
  const { skip } = shared
  const kafka = new KafkaTestClient(shared.kafka)
  const elasticsearch = new EsTestClient(shared.elasticsearch)
  after(() => kafka.close())

  test('gives back the records that were produced, of every age', { skip }, async () => {
    const topic = await kafka.createTopic({ partitions: 2 })
    const timestamp = String(Date.UTC(2005, 5, 9))
    await kafka.produce(topic, [
      { partition: 0, key: 'a', value: 'disk full', timestamp, headers: { host: 'db1' } },
      { partition: 1, value: 'link down' },
    ])
    await kafka.produce(topic, [{ partition: 1, value: 'link up' }], { gzip: true })
    const records = await kafka.consumeAll(topic)
    const seen = records.map(
      ({ partition, offset, value }) => `${partition} ${offset} ${value?.toString() ?? ''}`,
    )
    assert.deepEqual(seen.sort(), ['0 0 disk full', '1 0 link down', '1 1 link up'])
    const first = records.find(({ partition }) => partition === 0)
    assert.equal(first?.timestamp, timestamp)
    assert.deepEqual(first.headers, { host: Buffer.from('db1') })
    assert.deepEqual(await kafka.endOffsets(topic), [1, 2])
  })

  test('knows transactions and committed offsets', { skip }, async () => {
    const topic = await kafka.createTopic({ config: { 'cleanup.policy': 'compact' } })
    await kafka.produce(topic, [{ key: 'a', value: 'kept' }], { transaction: 'commit' })
    await kafka.produce(topic, [{ key: 'a', value: 'undone' }], { transaction: 'abort' })
    // Each transaction ends in a marker, which is written a moment after the answer.
    await until('both transactions have ended', async () => (await kafka.endOffsets(topic))[0] === 4)
    const group = uniqueName('group')
    assert.deepEqual(await kafka.committedOffsets(group, topic), [-1])
    await kafka.commitOffsets(group, topic, [3])
    assert.deepEqual(await kafka.committedOffsets(group, topic), [3])
  })

  test('indexes a document and finds it', { skip }, async (t) => {
    const index = uniqueName('stack-test')
    t.after(() => elasticsearch.deleteIndex(index))
    assert.equal(await elasticsearch.count(index), 0)
    const bulk = `{"index":{"_id":"1"}}\n{"message":"disk full"}\n`
    await elasticsearch.request('POST', `/${index}/_bulk`, bulk)
    assert.equal(await elasticsearch.count(`${index}*`), 1)
    const documents = await elasticsearch.documents(index)
    assert.deepEqual(
      documents.map(({ _id, _source }) => [_id, _source]),
      [['1', { message: 'disk full' }]],
    )
  })
})

void describe('a stack of a test’s own', () => {
  const skip = cannotStartStack()
  test('has three brokers beside the shared stack, and outlives the loss of one', { skip }, async (t) => {
    const own = await startStack({ name: 'three', only: 'kafka', brokers: 3 })
    t.after(() => own.wipe())
    assert.equal(new Set([...own.kafka, ...shared.kafka]).size, 3 + shared.kafka.length)
    const kafka = new KafkaTestClient(own.kafka)
    t.after(() => kafka.close())
    const topic = await kafka.createTopic({ partitions: 3, replicas: 3 })
    await own.kill('kafka', 2)
    await kafka.produce(
      topic,
      [0, 1, 2].map((partition) => ({ partition, value: 'still here' })),
    )
    assert.equal((await kafka.consumeAll(topic)).length, 3)
  })

  test('stops, starts again on the same ports with the same data, and can be paused', { skip }, async (t) => {
    const own = await startStack({ name: 'own' })
    t.after(() => own.wipe())
    const elasticsearch = new EsTestClient(own.elasticsearch)
    await elasticsearch.request('PUT', '/kept/_doc/1', { message: 'disk full' })
    await own.stop('es')
    await assert.rejects(elasticsearch.count('kept'))
    await own.start('es')
    assert.equal(await elasticsearch.count('kept'), 1)
    await own.pause('es')
    const silent = fetch(own.elasticsearch, { signal: AbortSignal.timeout(500) })
    await assert.rejects(silent, { name: 'TimeoutError' })
    await own.resume('es')
    assert.equal(await elasticsearch.count('kept'), 1)
  })
})

test(
  'Elasticsearch 9 runs where there is Java 21',
  { skip: cannotStartStack({ elasticsearch: '9' }) },
  async (t) => {
    const own = await startStack({ name: 'es9', only: 'es', elasticsearch: '9' })
    t.after(() => own.wipe())
    const elasticsearch = new EsTestClient(own.elasticsearch)
    await elasticsearch.request('PUT', '/fresh/_doc/1', { message: 'disk full' })
    assert.equal(await elasticsearch.count('fresh'), 1)
  },
)
