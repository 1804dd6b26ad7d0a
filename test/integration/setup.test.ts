import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import kafkajs from 'kafkajs'
import { runCommand, type Outcome } from '../commands/support/run-command.js'
import { EsTestClient } from '../support/es-test-client.js'
import { KafkaTestClient, uniqueName } from '../support/kafka-test-client.js'
import { sharedStack } from '../support/stack.js'

const stack = sharedStack()

describe('setup, against real servers', { skip: stack.skip }, () => {
  let kafka: KafkaTestClient
  let es: EsTestClient
  before(() => {
    kafka = new KafkaTestClient(stack.kafka)
    es = new EsTestClient(stack.elasticsearch)
  })
  after(() => kafka.close())

  interface Names {
    readonly topic: string
    readonly prefix: string
    run(): Promise<Outcome>
  }

  async function names(t: TestContext, { create = true, partitions = 3 } = {}): Promise<Names> {
    const topic = uniqueName('setup')
    if (create) await kafka.createTopic({ topic, partitions, config: { 'max.message.bytes': '2000000' } })
    const prefix = uniqueName('setup')
    t.after(async () => {
      const there = await kafka.topics()
      for (const name of [topic, `${topic}.dead-letter`])
        if (there.includes(name)) await kafka.deleteTopic(name)
      await es.deleteIndex(`${prefix}-*`)
      await es.request('DELETE', `/_index_template/enrichd-${prefix}*`)
    })
    const run = () =>
      runCommand('setup', {
        'kafka.brokers': stack.kafka.join(','),
        'kafka.topics': topic,
        'kafka.groupId': 'any',
        'nlp.url': 'embedded:',
        'elasticsearch.nodes': stack.elasticsearch,
        'elasticsearch.index': `${prefix}-{yyyy}`,
      })
    return { topic, prefix, run }
  }

  it('makes both, and a second time changes nothing', async (t) => {
    const { topic, prefix, run } = await names(t)
    const first = await run()
    assert.equal(first.code, 0, first.stdout)
    // The brokers of the tests keep records for ever.
    assert.deepEqual(first.lines, [
      `made  dead letter topic ${topic}.dead-letter: 3 partitions, 1 copy of each, kept for ever`,
      `made  index template enrichd-${prefix}: made for ${prefix}-*, priority 501`,
    ])
    const { resources } = await (
      await kafka.admin()
    ).describeConfigs({
      includeSynonyms: false,
      resources: [
        {
          type: kafkajs.ConfigResourceTypes.TOPIC,
          name: `${topic}.dead-letter`,
          configNames: ['max.message.bytes'],
        },
      ],
    })
    assert.equal(resources[0]?.configEntries[0]?.configValue, String(2_000_000 + 65_536))
    const second = await run()
    assert.equal(second.code, 0)
    assert.deepEqual(second.lines, [
      `ok    dead letter topic ${topic}.dead-letter: there already: 3 partitions, 1 copy of each`,
      `ok    index template enrichd-${prefix}: there already, as it should be`,
    ])
  })

  it('the index can then be asked for entities and severities, and takes what is malformed or too much', async (t) => {
    const { prefix, run } = await names(t)
    await run()
    const index = `${prefix}-2024`
    const entities = [
      { text: 'db-7', type: 'host', start: 0, end: 4, score: 0.5 },
      { text: '10.0.0.1', type: 'ip' },
    ]
    const document = { '@timestamp': '2024-05-06T07:08:09.000Z', message: 'm', severity: 'high', entities }
    const many = Object.fromEntries(Array.from({ length: 1500 }, (_, n) => [`field-${n}`, n]))
    const sources = [
      { ...document, code: 7 },
      { ...document, code: 'seven', original: { kafka: { deep: [1, { a: null }] }, trace: 'text' } },
      { ...document, ...many },
    ]
    for (const source of sources) await es.request('POST', `/${index}/_doc?refresh=true`, source)
    const found = await es.request<{
      aggregations: Record<string, { buckets: { key: string; doc_count: number }[] }>
    }>('POST', `/${index}/_search`, {
      size: 0,
      aggs: { types: { terms: { field: 'entities.type' } }, severities: { terms: { field: 'severity' } } },
    })
    assert.deepEqual(found.aggregations['types']?.buckets, [
      { key: 'host', doc_count: 3 },
      { key: 'ip', doc_count: 3 },
    ])
    assert.deepEqual(found.aggregations['severities']?.buckets, [{ key: 'high', doc_count: 3 }])
  })

  it('a topic that is not there is not made, and its dead letter topic is', async (t) => {
    const { topic, run } = await names(t, { create: false })
    const outcome = await run()
    assert.equal(outcome.code, 0, outcome.stdout)
    assert.match(outcome.stdout, new RegExp(`warn +kafka topic ${topic}: not there, and not ours to make`))
    const topics = await kafka.topics()
    assert.deepEqual([topics.includes(topic), topics.includes(`${topic}.dead-letter`)], [false, true])
  })

  it('a dead letter topic that is there and differs is shown, and left as it is', async (t) => {
    const { topic, run } = await names(t)
    await kafka.createTopic({ topic: `${topic}.dead-letter` })
    const outcome = await run()
    assert.match(outcome.stdout, /ok +dead letter topic .*there already: 1 partition/)
    assert.match(
      outcome.stdout,
      /warn +dead letter topic .*differs, and is left as it is: its max\.message\.bytes is 1048588/,
    )
  })
})
