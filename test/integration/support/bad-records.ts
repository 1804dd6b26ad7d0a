import type { RejectionReason } from '../../../src/delivery/delivery.js'

/** In every text: no log line may hold it. */
export const canary = 'canary-7f3a9c'
export const dayMs = 86_400_000
const yearMs = 365 * dayMs

/** A record as it is written, and how it must end. */
export type BadRecord = {
  readonly name: string
  readonly value: string | Buffer
} & (
  | { readonly reason: RejectionReason }
  | {
      /** Fields of the document as the index returns them; others are not looked at. */
      readonly source?: Readonly<Record<string, unknown>>
      /** Default: Kafka's timestamp. */
      readonly timeMs?: number
      /** The time that chooses the index. Default: Kafka's timestamp. */
      readonly indexTimeMs?: number
    }
)

/** The index has `code` as an integer, `at` as a date, `original` as it comes, and takes 300 fields at most. */
export function badRecords(nowMs: number): readonly BadRecord[] {
  return [...bytes, ...json, ...messages, ...fields, ...refused, ...times(nowMs)]
}

const record = (more: object) => JSON.stringify({ message: canary, ...more })
const nested = (depth: number) =>
  `{"message":"${canary}","deep":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`

const bytes: readonly BadRecord[] = [
  { name: 'bytes that are no UTF-8', value: Buffer.from([0xff, 0xfe, 0x00, 0xc0]), reason: 'undecodable' },
  {
    name: 'UTF-8 that is cut off',
    value: Buffer.concat([Buffer.from(canary), Buffer.from([0xe2, 0x82])]),
    reason: 'undecodable',
  },
  {
    name: 'an overlong encoding',
    value: Buffer.concat([Buffer.from(canary), Buffer.from([0xc0, 0xaf])]),
    reason: 'undecodable',
  },
  { name: 'a surrogate in UTF-8', value: Buffer.from([0x61, 0xed, 0xa0, 0x80]), reason: 'undecodable' },
  { name: 'a gzip file', value: Buffer.from('1f8b0800000000000003abca2c5000', 'hex'), reason: 'undecodable' },
  { name: 'nothing', value: '', source: { message: '', entities: [] } },
  { name: 'white space', value: ' \n', source: { message: ' ' } },
  {
    name: 'control characters',
    value: `${canary}\u0000\u0001\u001b[31m\u007f\b\ttext`,
    source: { message: `${canary}\u0000\u0001\u001b[31m\u007f\b\ttext` },
  },
  {
    name: 'line separators',
    value: `${canary}\u2028\u2029\u0085\r\nmore\r\n`,
    source: { message: `${canary}\u2028\u2029\u0085\r\nmore` },
  },
  { name: 'a byte order mark', value: `\ufeff{"message":"${canary}"}`, source: { message: canary } },
  {
    name: 'a text of 900 kB',
    value: `${canary} ${'x'.repeat(900_000)}`,
    source: { message: `${canary} ${'x'.repeat(900_000)}` },
  },
  {
    name: 'non-characters and emoji',
    value: `${canary} \uffff\ufffe 👩‍👩‍👧‍👦 \u202e`,
    source: { message: `${canary} \uffff\ufffe 👩‍👩‍👧‍👦 \u202e` },
  },
]

const json: readonly BadRecord[] = [
  { name: 'JSON that ends too early', value: `{"message":"${canary}"`, reason: 'undecodable' },
  { name: 'JSON with a comma too many', value: `{"message":"${canary}",}`, reason: 'undecodable' },
  { name: 'JSON with more behind it', value: `{"message":"${canary}"} {"a":1}`, reason: 'undecodable' },
  { name: 'JSON with NaN', value: `{"message":"${canary}","n":NaN}`, reason: 'undecodable' },
  {
    name: 'JSON with a raw control character',
    value: `{"message":"${canary}\u0001"}`,
    reason: 'undecodable',
  },
  { name: 'nested to 1,001 levels', value: nested(1001), reason: 'undecodable' },
  { name: 'nested to 100,000 levels', value: nested(100_000), reason: 'undecodable' },
  { name: 'nested to 15 levels', value: nested(15), source: { message: canary } },
  { name: 'JSON that is a list', value: `["${canary}"]`, source: { message: `["${canary}"]` } },
  { name: 'JSON that is null', value: 'null', source: { message: 'null' } },
  {
    name: 'JSON over several lines',
    value: `{\n  "message":\r\n"${canary}"\n}\n`,
    source: { message: canary },
  },
  {
    name: 'a name that stands twice',
    value: `{"message":"first","a":{"b":1,"b":2},"message":"${canary}"}`,
    source: { message: canary, a: { b: 2 } },
  },
]

const messages: readonly BadRecord[] = [
  { name: 'no message field', value: `{"text":"${canary}"}`, reason: 'no-message' },
  { name: 'an empty object', value: '{}', reason: 'no-message' },
  { name: 'a message that is null', value: '{"message":null,"msg":null}', reason: 'no-message' },
  { name: 'an empty message', value: '{"message":""}', source: { message: '', entities: [] } },
  { name: 'a message that is a number', value: '{"message":42}', source: { message: '42' } },
  { name: 'a message that is false', value: '{"message":false}', source: { message: 'false' } },
  {
    name: 'a message that is an object',
    value: `{"log":{"text":"${canary}"}}`,
    source: { message: `{"text":"${canary}"}` },
  },
  {
    name: 'a lone surrogate in a message',
    value: `{"message":"${canary} \\ud800"}`,
    source: { message: `${canary} \ud800` },
  },
]

const proto = JSON.parse(`{"__proto__":{"polluted":true}}`) as object
const fields: readonly BadRecord[] = [
  {
    name: '__proto__, constructor and toString',
    value: `{"message":"${canary}","__proto__":{"polluted":true},"constructor":{"prototype":{"x":1}},"toString":"no"}`,
    source: {
      ...Object.fromEntries(Object.entries(proto).map(([name, value]) => [name, value as unknown])),
      constructor: { prototype: { x: 1 } },
      toString: 'no',
    },
  },
  {
    name: 'fields that collide with ours',
    value: record({
      entities: 'mine',
      enrichment: 1,
      kafka: { topic: 'x' },
      'kafka.offset': 9,
      severity: 5,
      original: 'o',
    }),
    source: {
      message: canary,
      entities: [{ text: canary, type: 'word', start: 0, end: canary.length }],
      severity: 'low',
      original: {
        entities: 'mine',
        enrichment: 1,
        kafka: { topic: 'x' },
        'kafka.offset': 9,
        severity: 5,
        original: 'o',
      },
    },
  },
  {
    name: 'numbers that JavaScript cannot hold',
    value: `{"message":"${canary}","big":9007199254740993}`,
    source: { message: canary },
  },
  {
    name: 'a level of 100 kB',
    value: record({ level: 'e'.repeat(100_000) }),
    source: { message: canary, severity: 'low' },
  },
]

const refused: readonly BadRecord[] = [
  { name: 'a text where a number is', value: record({ code: canary }), reason: 'document-rejected' },
  { name: 'an object where a number is', value: record({ code: { a: 1 } }), reason: 'document-rejected' },
  { name: 'a date that is none', value: record({ at: canary }), reason: 'document-rejected' },
  {
    name: 'an integer of 40 digits',
    value: `{"message":"m","code":${'9'.repeat(40)}}`,
    reason: 'document-rejected',
  },
  { name: 'nested to 30 levels', value: nested(30), reason: 'document-rejected' },
  {
    name: '400 new fields',
    value: record(Object.fromEntries(Array.from({ length: 400 }, (_, n) => [`field-${n}`, n]))),
    reason: 'document-rejected',
  },
  { name: 'a field without a name', value: record({ '': 1 }), reason: 'document-rejected' },
  { name: 'a field named of dots', value: record({ '...': 1 }), reason: 'document-rejected' },
  { name: 'a field of Elasticsearch', value: record({ _id: 'mine' }), reason: 'document-rejected' },
]

function times(nowMs: number): readonly BadRecord[] {
  const iso = (timeMs: number) => new Date(timeMs).toISOString()
  const told = (name: string, time: unknown, more: Partial<BadRecord> = {}): BadRecord => ({
    name,
    value: record({ '@timestamp': time }),
    source: { original: { '@timestamp': time } },
    ...more,
  })
  return [
    told('the year 0', '0000-01-01T00:00:00Z'),
    told('the year 99999', '99999-01-01T00:00:00Z'),
    told('the year +099999', '+099999-01-01T00:00:00Z'),
    told('a negative year', '-000001-01-01T00:00:00Z'),
    told('the 30th of February', '2024-02-30T00:00:00Z'),
    told('the 25th hour', '2024-02-03T25:00:00Z'),
    told('no date', canary),
    told('an empty time', ''),
    told('a time of 1e300', 1e300),
    told('a negative time', -1),
    told('a time of true', true),
    told('a time that is an object', { $date: 0 }),
    {
      name: 'a clock a year ahead',
      value: record({ '@timestamp': iso(nowMs + yearMs) }),
      timeMs: nowMs + yearMs,
    },
    {
      name: 'the year 9999',
      value: record({ '@timestamp': '9999-12-31T23:59:59.999Z' }),
      timeMs: Date.parse('9999-12-31T23:59:59.999Z'),
    },
    {
      name: 'the first millisecond of all',
      value: record({ '@timestamp': '1970-01-01T00:00:00.000Z' }),
      timeMs: 0,
      indexTimeMs: 0,
    },
    {
      name: 'a leap second',
      value: record({ time: '2016-12-31T23:59:60Z' }),
      timeMs: Date.UTC(2017, 0, 1),
      indexTimeMs: Date.UTC(2017, 0, 1),
    },
  ]
}
