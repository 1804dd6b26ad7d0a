import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { StoredDocument } from '../support/es-test-client.js'
import { uniqueName } from '../support/kafka-test-client.js'
import { sharedStack } from '../support/stack.js'
import {
  assertLogForm,
  assertNotLogged,
  TestBed,
  type DeadLetterRecord,
  type LogDocument,
} from '../support/test-bed.js'
import { badRecords, canary, dayMs, type BadRecord } from './support/bad-records.js'
import { until } from '../support/until.js'

const stack = sharedStack()

describe('bad input', () => {
  let bed: TestBed

  before(() => {
    bed = new TestBed(stack)
  })
  after(() => bed.close())

  it(
    'ends as it is documented, record by record, and everything else flows',
    { skip: stack.skip },
    async (t) => {
      const now = Date.now()
      const records = badRecords(now)
      const nlp = await bed.nlp(t)
      const line = await bed.line(t, { partitions: 2 })
      const month = (timeMs: number) => new Date(timeMs).toISOString().slice(0, 7)
      const index = (timeMs: number) => `${line.index}-${month(timeMs)}`
      await bed.es.createIndex(index(now), {
        settings: { 'index.mapping.total_fields.limit': 300 },
        mappings: {
          properties: {
            code: { type: 'integer' },
            at: { type: 'date' },
            original: { type: 'object', enabled: false },
          },
        },
      })
      // Beside each of them, a good one.
      for (const [n, { value }] of records.entries()) {
        const timestamp = String(now - dayMs + n)
        await bed.kafka.produce(line.topic, [
          { partition: 0, key: `key-${n}`, value, timestamp },
          { partition: 1, value: `good ${n}`, timestamp: String(now) },
        ])
      }
      const daemon = bed.start(t, {
        ...line.settings(nlp),
        'elasticsearch.index': `${line.index}-{yyyy}-{MM}`,
        'nlp.retry.delayMs': 20,
      })
      await line.settled(2 * records.length)
      assert.equal((await daemon.stop()).code, 0, daemon.tail())
      const documents = await line.documents()
      const letters = await line.deadLetters()
      const wrong = records.flatMap((record, n) =>
        judge(record, {
          document: documents.get(`0/${n}`),
          letter: letters.get(`0/${n}`),
          kafkaTimeMs: now - dayMs + n,
          index,
        }),
      )
      assert.deepEqual(wrong, [])
      for (const n of records.keys()) assert.equal(documents.get(`1/${n}`)?._source.message, `good ${n}`)
      assert.equal(documents.size + letters.size, 2 * records.length)
      assert.deepEqual(
        await bed.kafka.committedOffsets(line.group, line.topic),
        await bed.kafka.endOffsets(line.topic),
      )
      assertLogForm(daemon)
      assertNotLogged(daemon, [canary])
    },
  )

  it(
    'in the parts of an index name is made safe, or the record becomes a dead letter',
    { skip: stack.skip },
    async (t) => {
      const nlp = await bed.nlp(t)
      const line = await bed.line(t, { topic: uniqueName('Bad.Topic_Name') })
      const services: [unknown, string | undefined][] = [
        ['Web Shop/Ä', 'web-shop--'],
        ['../../etc', '..-..-etc'],
        ['a*b,c?d"e|f#g:h', 'a-b-c-d-e-f-g-h'],
        [7, '7'],
        [true, 'true'],
        ['x\u0000y\nz', 'x-y-z'],
        ['long'.repeat(100), undefined],
        ['', undefined],
        [null, undefined],
        [{ name: 'x' }, undefined],
        [undefined, undefined],
      ]
      await bed.kafka.produce(
        line.topic,
        services.map(([service]) => ({ value: JSON.stringify({ message: 'm', service }) })),
      )
      const daemon = bed.start(t, {
        ...line.settings(nlp),
        'elasticsearch.index': `${line.index}-{topic}-{service}`,
      })
      await line.settled(services.length)
      assert.equal((await daemon.stop()).code, 0, daemon.tail())
      const documents = await line.documents()
      const letters = await line.deadLetters()
      for (const [n, [service, safe]] of services.entries()) {
        const at = `0/${n}`
        if (safe === undefined) assert.equal(letters.get(at)?.reason, 'document-rejected', String(service))
        else {
          const topic = line.topic.toLowerCase().replaceAll(/[^a-z0-9._-]/g, '-')
          assert.equal(documents.get(at)?._index, `${line.index}-${topic}-${safe}`, String(service))
        }
      }
    },
  )

  it(
    'that is too large for the dead letter topic goes there with its first 64 KiB',
    { skip: stack.skip },
    async (t) => {
      const nlp = await bed.nlp(t)
      const line = await bed.line(t, { config: { 'max.message.bytes': '4000000' } })
      const large = Buffer.alloc(2_000_000, 0xff)
      const fits = Buffer.alloc(700_000, 0xfe)
      await bed.kafka.produce(line.topic, [
        { key: 'large', value: large, headers: { mine: 'kept' } },
        { key: 'fits', value: fits },
        { value: 'good' },
      ])
      const daemon = bed.start(t, line.settings(nlp))
      await line.settled(3)
      assert.equal((await daemon.stop()).code, 0, daemon.tail())
      const letters = await line.deadLetters()
      const cut = letters.get('0/0')
      assert.equal(cut?.reason, 'undecodable')
      assert.deepEqual(cut.value, large.subarray(0, 65_536))
      assert.deepEqual([cut.headers['enrichd-truncated'], cut.headers['mine']], ['2000000', 'kept'])
      assert.deepEqual(letters.get('0/1')?.value, fits)
      assert.equal(letters.get('0/1')?.headers['enrichd-truncated'], undefined)
    },
  )

  it(
    'whose dead letter topic is missing is waited with, loudly; the topic is never made by us',
    { skip: stack.skip },
    async (t) => {
      const nlp = await bed.nlp(t)
      const line = await bed.line(t)
      const missing = uniqueName('letters')
      t.after(async () => {
        if ((await bed.kafka.topics()).includes(missing)) await bed.kafka.deleteTopic(missing)
      })
      await bed.kafka.produce(line.topic, [{ value: '{"message": ' }, { value: 'good' }])
      const daemon = bed.start(t, { ...line.settings(nlp), 'deadLetter.topic': missing })
      const warned = await daemon.logged('dead_letter.topic_missing')
      assert.deepEqual(warned['topics'], [missing])
      const told = await daemon.logged('dead_letter.misconfigured')
      assert.match(String(told.msg), new RegExp(missing))
      await line.settled(1)
      assert.ok(!(await bed.kafka.topics()).includes(missing), 'it was not made')
      const [committed = 0] = await bed.kafka.committedOffsets(line.group, line.topic)
      assert.ok(committed <= 0, `${committed} is committed`)
      await bed.kafka.createTopic({ topic: missing })
      await until('the letter is there', async () => (await bed.kafka.endOffsets(missing))[0] === 1)
      await daemon.logged('dead_letter.up')
      assert.equal((await daemon.stop()).code, 0, daemon.tail())
      assert.deepEqual(await bed.kafka.committedOffsets(line.group, line.topic), [2])
    },
  )

  it(
    'in a row of deadLetter.maxConsecutive stops the line, which says so; a good deployment goes on',
    { skip: stack.skip },
    async (t) => {
      const nlp = await bed.nlp(t)
      const line = await bed.line(t)
      await bed.kafka.produce(
        line.topic,
        Array.from({ length: 40 }, (_, n) => ({ value: `{"msg_text":"record ${n}"}` })),
      )
      const settings = line.settings(nlp)
      const bad = bed.start(t, { ...settings, 'deadLetter.maxConsecutive': 10 })
      const told = await bad.logged('dead_letter.misconfigured')
      assert.match(String(told.msg), /10 records in a row were rejected \(no-message\)/)
      await line.settled(10)
      assert.equal((await bad.stop()).code, 0, bad.tail())
      assert.deepEqual(await line.ended(), { indexed: 0, dead: 10 })
      const good = bed.start(t, { ...settings, 'decode.messageFields': 'message,msg_text' })
      await line.settled(40)
      assert.equal((await good.stop()).code, 0, good.tail())
      assert.deepEqual(await line.ended(), { indexed: 30, dead: 10 })
    },
  )
})

interface Outcome {
  readonly document: StoredDocument<LogDocument> | undefined
  readonly letter: DeadLetterRecord | undefined
  readonly kafkaTimeMs: number
  /** The name of the index of a time. */
  readonly index: (timeMs: number) => string
}

/** What is not as expected, in words; empty where all is. */
function judge(record: BadRecord, { document, letter, kafkaTimeMs, index }: Outcome): string[] {
  const { name, value } = record
  if ('reason' in record) {
    if (letter === undefined)
      return [`${name}: not a dead letter but ${JSON.stringify(document ?? null).slice(0, 300)}`]
    const same = letter.value?.equals(Buffer.isBuffer(value) ? value : Buffer.from(value)) === true
    return [
      ...(letter.reason === record.reason
        ? []
        : [`${name}: ${letter.reason}, ${letter.headers['enrichd-error']}`]),
      ...(same ? [] : [`${name}: not the same bytes`]),
    ]
  }
  if (document === undefined) {
    return [`${name}: no document but ${letter?.reason}, ${letter?.headers['enrichd-error']}`]
  }
  const { timeMs = kafkaTimeMs, indexTimeMs = kafkaTimeMs, source = {} } = record
  const expected = { '@timestamp': new Date(timeMs).toISOString(), ...source }
  const found = document._source
  return [
    ...(document._index === index(indexTimeMs) ? [] : [`${name}: in ${document._index}`]),
    ...Object.entries(expected).flatMap(([field, wanted]) => {
      const has = Object.hasOwn(found, field) ? JSON.stringify(found[field]) : 'nothing'
      return has === JSON.stringify(wanted) ? [] : [`${name}: ${field} is ${has.slice(0, 300)}`]
    }),
  ]
}
