import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { InFlight, SourceRecord } from '../../src/delivery/delivery.js'
import type { EnrichedDocument } from '../../src/delivery/document.js'
import type { Json, LogRecord } from '../../src/delivery/log-record.js'
import type { Enrichment } from '../../src/enrich/analysis.js'
import { buildDocument } from '../../src/enrich/document.js'
import { sourceRecord } from '../support/source-record.js'

const kafkaTimeMs = 1_700_000_000_000
const kafkaTime = '2023-11-14T22:13:20.000Z'
const dayMs = 86_400_000
const options = { indexTimePastMs: 0, indexTimeFutureMs: dayMs }

const enrichment: Enrichment = {
  status: 'enriched',
  entities: [{ text: 'db-7', type: 'host', start: 3, end: 7 }],
  severity: undefined,
  service: 'nlp:8080',
  attempts: 1,
  durationMs: 12.4,
  truncated: false,
}

const ours = {
  '@timestamp': kafkaTime,
  message: 'm',
  severity: 'low',
  entities: enrichment.entities,
  kafka: { topic: 'logs', partition: 0, offset: 7, key: null },
  enrichment: { status: 'enriched', service: 'nlp:8080', attempts: 1, durationMs: 12 },
}

interface Given {
  readonly fields?: LogRecord['fields']
  readonly log?: Partial<LogRecord>
  readonly record?: Partial<SourceRecord>
  readonly enrichment?: Partial<Enrichment>
  readonly options?: Partial<typeof options>
}

function built(given: Given): EnrichedDocument {
  const fields = given.fields ?? {}
  const value = { fields, message: 'm', timeMs: undefined, level: undefined, raw: undefined, ...given.log }
  const delivery: InFlight<LogRecord> = { status: 'in-flight', record: sourceRecord('', given.record), value }
  return buildDocument(delivery, { ...enrichment, ...given.enrichment }, { ...options, ...given.options })
}

type Body = Record<string, unknown> & { original?: Record<string, unknown> }
const body = (given: Given): Body => JSON.parse(built(given).body) as Body

void describe('a document', () => {
  void it('of a text line has our fields', () => {
    assert.deepEqual(body({}), ours)
  })

  void it('is, whole, one line of JSON whose bytes are counted', () => {
    const { body: text, bytes } = built({
      fields: { host: 'a', message: 'ünïcode\nline' },
      log: { message: 'ünïcode\nline' },
      enrichment: { severity: 'critical', truncated: true, attempts: 2 },
      record: { key: Buffer.from('k') },
    })
    assert.equal(
      text,
      '{"@timestamp":"2023-11-14T22:13:20.000Z","severity":"critical",' +
        '"entities":[{"text":"db-7","type":"host","start":3,"end":7}],' +
        '"kafka":{"topic":"logs","partition":0,"offset":7,"key":"k"},' +
        '"enrichment":{"status":"enriched","service":"nlp:8080","attempts":2,"durationMs":12,"truncated":true},' +
        '"host":"a","message":"ünïcode\\nline"}',
    )
    assert.equal(bytes, Buffer.byteLength(text))
  })

  void it('has the severity of the service, else that of the level', () => {
    assert.equal(body({ log: { level: 'FATAL' }, enrichment: { severity: 'medium' } }).severity, 'medium')
    assert.equal(body({ log: { level: 'FATAL' } }).severity, 'critical')
    assert.equal(body({}).severity, 'low')
  })

  void it('of a line of a file says which one', () => {
    const { kafka, ...others } = ours
    const record = { origin: 'file', topic: '/var/log/a "b".log', offset: 3 } as const
    assert.deepEqual(body({ record }), { ...others, file: { path: '/var/log/a "b".log', line: 3 } })
    assert.ok(kafka)
  })

  void it('has its key as text, or in base64 with a mark where it is no UTF-8', () => {
    const key = (bytes: Buffer) => (body({ record: { key: bytes } })['kafka'] as { key: unknown }).key
    assert.equal(key(Buffer.from('schlüssel"')), 'schlüssel"')
    assert.equal(key(Buffer.from([0, 255])), 'base64:AP8=')
    assert.equal(key(Buffer.alloc(0)), '')
  })

  void it('keeps numbers as they came where the record has its text, with and without a collision', () => {
    const raw = '{"id": 12345678901234567890, "ratio":1.0 , "a":{"b":[1.50,"}"]}}'
    assert.ok(
      built({ fields: JSON.parse(raw) as LogRecord['fields'], log: { raw } }).body.endsWith(
        ',' + raw.slice(1),
      ),
    )
    const colliding =
      '{"k\\"ey": 12345678901234567890, "kafka":1.0 , "a":{"b":[1.50,"}\\\\\\""]},"severity":"x,y"}'
    const { body: text } = built({
      fields: JSON.parse(colliding) as LogRecord['fields'],
      log: { raw: colliding },
    })
    assert.ok(
      text.endsWith(
        ',"original":{"kafka":1.0 ,"severity":"x,y"},"k\\"ey": 12345678901234567890,"a":{"b":[1.50,"}\\\\\\""]}}',
      ),
      text,
    )
  })
})

void describe('a field of the record', () => {
  const golden: readonly (readonly [string, LogRecord['fields'], Body, Given?])[] = [
    ['of any other name stays', { host: 'a', n: 1 }, { host: 'a', n: 1 }],
    ['that is our very message stays', { message: 'm' }, {}],
    ['that is our very time stays', { '@timestamp': kafkaTime }, {}],
    ['that is our very severity stays', { severity: 'low' }, {}],
    ['that is another message moves', { message: 'n' }, { original: { message: 'n' } }],
    ['that is a message of another type moves', { message: { a: 1 } }, { original: { message: { a: 1 } } }],
    [
      'that is null under our name moves',
      { message: null, entities: null },
      { original: { message: null, entities: null } },
    ],
    [
      'that is a time in other words moves',
      { '@timestamp': '2023-11-14T22:13:20Z' },
      { original: { '@timestamp': '2023-11-14T22:13:20Z' } },
    ],
    ['that is a severity of its own moves', { severity: 'WARN' }, { original: { severity: 'WARN' } }],
    [
      'with a name of ours moves, whatever its type',
      { entities: [], kafka: 'x', enrichment: 1 },
      { original: { entities: [], kafka: 'x', enrichment: 1 } },
    ],
    [
      'with a dotted name that runs into ours moves',
      { 'kafka.topic': 't', 'message.text': 1, 'entities.a': 2, '@timestamp.x': 3 },
      { original: { 'kafka.topic': 't', 'message.text': 1, 'entities.a': 2, '@timestamp.x': 3 } },
    ],
    [
      'named original moves under original',
      { original: 'o', 'original.x': 1 },
      { original: { original: 'o', 'original.x': 1 } },
    ],
    [
      'that only begins like ours stays',
      { messages: 1, kafka_topic: 2, Message: 3 },
      { messages: 1, kafka_topic: 2, Message: 3 },
    ],
    ['named file stays where the record came from Kafka', { file: 'a.go:12' }, { file: 'a.go:12' }],
    [
      'named trace that our trace could not stand beside moves',
      { trace: 'stack' },
      { original: { trace: 'stack' } },
    ],
    ['named trace that is an object stays', { trace: { id: 'x' } }, { trace: { id: 'x' } }],
    ['named trace.id stays', { 'trace.id': 'x' }, { 'trace.id': 'x' }],
    [
      'named trace moves where a traceparent came along',
      { trace: { id: 'x' }, 'trace.id': 'y' },
      {
        original: { trace: { id: 'x' }, 'trace.id': 'y' },
        trace: { id: '4bf92f3577b34da6a3ce929d0e0e4736' },
      },
      { record: { headers: { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' } } },
    ],
  ]
  for (const [name, fields, expected, given] of golden) {
    void it(name, () => {
      const fromFields = body({ fields, ...given })
      const fromText = body({ fields, log: { raw: JSON.stringify(fields) }, ...given })
      assert.deepEqual(fromFields, { ...ours, ...expected })
      assert.deepEqual(fromText, fromFields)
    })
  }

  void it('named file moves where the record is a line of a file', () => {
    const { original, file } = body({
      fields: { file: 'a.go:12', kafka: { a: 1 } },
      record: { origin: 'file' },
    })
    assert.deepEqual(original, { file: 'a.go:12' })
    assert.deepEqual(file, { path: 'logs', line: 7 })
  })

  void it('is in the document unharmed, at its place or under original, for any JSON object', () => {
    const name = fc.oneof(
      fc.constantFrom(
        'message',
        '@timestamp',
        'severity',
        'entities',
        'kafka',
        'enrichment',
        'original',
        'trace',
        'file',
      ),
      fc.constantFrom('__proto__', 'constructor', 'kafka.topic', 'trace.id', '', '.', 'toString'),
      fc.string({ unit: 'binary' }),
    )
    const object = fc.array(fc.tuple(name, fc.jsonValue())).map((pairs) => Object.fromEntries(pairs))
    fc.assert(
      fc.property(object, fc.string(), fc.boolean(), (generated, message, withText) => {
        const text = JSON.stringify(generated)
        const fields = JSON.parse(text) as Record<string, Json>
        const document = body({ fields, log: { message, raw: withText ? text : undefined } })
        const { original = {} } = document
        for (const [key, value] of Object.entries(fields)) {
          const holder = Object.hasOwn(original, key) ? original : document
          assert.ok(Object.hasOwn(holder, key), key)
          assert.deepEqual(holder[key], value)
        }
        const added = Object.keys(document).filter((key) => !Object.hasOwn(fields, key))
        assert.ok(added.every((key) => key in ours || key === 'original'))
        assert.equal(document['message'], message)
        assert.deepEqual(document['kafka'], ours.kafka)
        assert.deepEqual(document['entities'], ours.entities)
        assert.deepEqual(document['enrichment'], ours.enrichment)
      }),
      { numRuns: 500 },
    )
  })
})

void describe('the trace of a document', () => {
  const id = '4bf92f3577b34da6a3ce929d0e0e4736'
  const parent = '00f067aa0ba902b7'
  const traceOf = (traceparent: Buffer | string | (Buffer | string)[]) =>
    body({ record: { headers: { traceparent } } })['trace']

  void it('is that of a traceparent header: text, bytes, the first of several, also of a later version', () => {
    const header = `00-${id}-${parent}-01`
    const later = `01-${id}-${parent}-01-more`
    for (const value of [header, Buffer.from(header), [Buffer.from(header), 'x'], later]) {
      assert.deepEqual(traceOf(value), { id })
    }
  })

  void it('is not there where the header is malformed', () => {
    const malformed = [
      ...['', id, `00-${id}-${parent}`, `ff-${id}-${parent}-01`, `00-${'0'.repeat(32)}-${parent}-01`],
      ...[
        `00-${id}-${'0'.repeat(16)}-01`,
        `00-${id.toUpperCase()}-${parent}-01`,
        `00-${id}-${parent}-01-more`,
      ],
      `00-${id}-${parent}-01"`,
    ]
    for (const value of [...malformed, []]) assert.equal(traceOf(value), undefined, String(value))
  })
})

void describe('the times of a document', () => {
  const year = 365 * dayMs
  const timesOf = (given: Given): number[] => {
    const { timeMs, indexTimeMs } = built(given)
    return [timeMs, indexTimeMs]
  }

  void it("are the record's own time, else Kafka's", () => {
    assert.deepEqual(timesOf({}), [kafkaTimeMs, kafkaTimeMs])
    assert.deepEqual(timesOf({ log: { timeMs: 1_117_838_570_000 } }), [1_117_838_570_000, 1_117_838_570_000])
  })

  void it('leave the index to the Kafka timestamp where the own time is out of bounds', () => {
    assert.deepEqual(timesOf({ log: { timeMs: kafkaTimeMs + dayMs } }), [
      kafkaTimeMs + dayMs,
      kafkaTimeMs + dayMs,
    ])
    assert.deepEqual(timesOf({ log: { timeMs: kafkaTimeMs + year } }), [kafkaTimeMs + year, kafkaTimeMs])
    const past = { options: { indexTimePastMs: dayMs }, log: { timeMs: kafkaTimeMs - year } }
    assert.deepEqual(timesOf(past), [kafkaTimeMs - year, kafkaTimeMs])
  })

  void it("are valid whatever a producer wrote as Kafka's timestamp", () => {
    for (const timestampMs of [-1, 1.7e18, Number.NaN, Infinity]) {
      assert.deepEqual(timesOf({ record: { timestampMs } }), [0, 0])
      assert.deepEqual(timesOf({ record: { timestampMs }, log: { timeMs: 5 } }), [5, 5])
    }
  })
})
