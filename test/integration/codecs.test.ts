import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { StoredDocument } from '../support/es-test-client.js'
import { sharedStack } from '../support/stack.js'
import { TestBed, type LogDocument } from '../support/test-bed.js'

const stack = sharedStack()
const count = 1500

/** Kafka's own codecs: the broker compresses anew what it stores. */
const codecs = ['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'] as const

describe('codecs that producers use', () => {
  let bed: TestBed

  before(() => {
    bed = new TestBed(stack)
  })
  after(() => bed.close())

  it('are all read, by one daemon, byte by byte', { skip: stack.skip }, async (t) => {
    const nlp = await bed.nlp(t)
    const lines = await Promise.all(
      codecs.map((codec) => bed.line(t, { partitions: 2, config: { 'compression.type': codec } })),
    )
    for (const { topic } of lines) await bed.kafka.produce(topic, messages(topic))
    const [first] = lines
    assert.ok(first)
    const daemon = bed.start(t, {
      ...first.settings(nlp),
      'kafka.topics': lines.map(({ topic }) => topic).join(','),
      'elasticsearch.index': `${first.index}-{topic}`,
      'nlp.maxConcurrency': 64,
    })
    await first.settled(codecs.length * count)
    assert.equal((await daemon.stop()).code, 0, daemon.tail())
    for (const [at, { topic }] of lines.entries()) {
      const stored: StoredDocument<LogDocument>[] = await bed.es.documents(`${first.index}-${topic}`)
      assert.equal(stored.length, count, codecs[at])
      for (const { _source: source } of stored) {
        const { offset, partition } = source.kafka
        assert.equal(source.message, textOf(topic, 2 * offset + partition), codecs[at])
      }
      assert.deepEqual(
        await bed.kafka.committedOffsets(first.group, topic),
        await bed.kafka.endOffsets(topic),
        codecs[at],
      )
    }
  })

  it('may change within one partition, as producers do', { skip: stack.skip }, async (t) => {
    const nlp = await bed.nlp(t)
    const line = await bed.line(t, { config: { 'compression.type': 'producer' } })
    for (const gzip of [false, true, false, true]) {
      await bed.kafka.produce(line.topic, messages(line.topic).slice(0, 100).map(onePartition), { gzip })
    }
    const daemon = bed.start(t, line.settings(nlp))
    await line.settled(400)
    assert.equal((await daemon.stop()).code, 0, daemon.tail())
    assert.equal((await line.documents()).size, 400)
  })
})

function textOf(topic: string, n: number): string {
  return `${topic} ${n} ${'compressible äöü ☃ '.repeat(n % 30)}${(n * 2_654_435_761) % 4_294_967_296}`
}

function messages(topic: string) {
  return Array.from({ length: count }, (_, n) => ({ partition: n % 2, value: textOf(topic, n) }))
}

const onePartition = ({ value }: { value: string }) => ({ value, partition: 0 })
