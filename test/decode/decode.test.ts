import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { decode, recordDecoder } from '../../src/decode/decode.js'
import type { DecodeOptions } from '../../src/decode/decode.js'
import type { Rejected, SourceRecord } from '../../src/delivery/delivery.js'
import type { LogRecord } from '../../src/delivery/log-record.js'
import { EnrichdError } from '../../src/errors.js'
import { loghubNames, loghubPath, needsLoghub } from '../support/loghub.js'
import { sourceRecord } from '../support/source-record.js'

const defaults: DecodeOptions = {
  format: 'auto',
  messageFields: ['message', 'msg', 'log'],
  timeFields: ['@timestamp', 'timestamp', 'ts', 'time'],
  levelFields: ['level', 'severity', 'log.level'],
  onTombstone: 'drop',
}

type Format = DecodeOptions['format']

function decoded(value: string | Buffer, options: Partial<DecodeOptions> = {}): LogRecord {
  const delivery = recordDecoder({ ...defaults, ...options })(sourceRecord(value))
  return delivery.status === 'in-flight' ? delivery.value : assert.fail(delivery.status)
}

function rejected(value: string | Buffer | null, options: Partial<DecodeOptions> = {}): Rejected {
  const delivery = recordDecoder({ ...defaults, ...options })(sourceRecord(value))
  return delivery.status === 'rejected' ? delivery : assert.fail(delivery.status)
}

const time = '2024-05-12T10:11:12.123Z'
const timeMs = Date.parse(time)

void describe('a JSON record', () => {
  void it('gives its message, time, level, fields and text', () => {
    const fields = { '@timestamp': time, level: 'WARN', message: 'disk full', host: { name: 'a' } }
    const raw = JSON.stringify(fields)
    for (const format of ['auto', 'json'] as const) {
      assert.deepEqual(decoded(raw, { format }), { fields, message: 'disk full', timeMs, level: 'WARN', raw })
    }
  })

  const messages: readonly (readonly [string, string])[] = [
    ['{"msg":"b","message":"a"}', 'a'],
    ['{"message":null,"msg":"b"}', 'b'],
    ['{"log":"c"}', 'c'],
    ['{"message":""}', ''],
    ['{"message":"","msg":"b"}', ''],
    ['{"message":42}', '42'],
    ['{"message":false}', 'false'],
    ['{"message":{"event":"login","ok":true}}', '{"event":"login","ok":true}'],
    ['{"message":["a","b"]}', '["a","b"]'],
    ['{"message":"\\u0000\\u001b[31m\\ud800"}', '\u0000\u001b[31m\ud800'],
  ]
  for (const [text, message] of messages) {
    void it(`takes the message of ${text} for ${JSON.stringify(message)}`, () => {
      assert.equal(decoded(text).message, message)
    })
  }

  void it('finds dotted names as they stand and as paths, the literal one first, and own properties only', () => {
    const options = { messageFields: ['event.original', 'constructor.name', 'toString'] }
    assert.equal(decoded('{"event":{"original":"nested"}}', options).message, 'nested')
    assert.equal(
      decoded('{"event.original":"literal","event":{"original":"nested"}}', options).message,
      'literal',
    )
    assert.equal(rejected('{"event":"original"}', options).reason, 'no-message')
    assert.equal(decoded('{"message":"m","log":{"level":"error"}}').level, 'error')
    assert.equal(decoded('{"message":"m","log.level":30}').level, 30)
  })

  void it('takes the first valid time and the first level that is a string or a number', () => {
    const text = `{"message":"m","timestamp":"soon","ts":0.25,"time":${timeMs},"level":{"a":1},"severity":3}`
    assert.equal(decoded(text).timeMs, timeMs)
    assert.equal(decoded(text).level, 3)
    assert.equal(decoded('{"message":"m","time":"99999-01-01"}').timeMs, undefined)
    assert.equal(decoded('{"message":"m"}').level, undefined)
  })

  void it('without a message field is a dead letter that says so', () => {
    const { reason, stage, attempts, error } = rejected('{"text":"a","message":null}')
    assert.deepEqual([reason, stage, attempts], ['no-message', 'decode', 0])
    assert.equal(error.message, 'The record cannot be decoded: none of message, msg, log is there.')
  })
})

void describe('the format', () => {
  const table: readonly (readonly [Format, string, string])[] = [
    ['auto', '  {"message":"m"}', 'm'],
    ['auto', '\ufeff{"message":"m"}', 'm'],
    ['auto', 'level=info msg="a b" n=1', 'a b'],
    ['auto', 'level=info msg="a b" and more words', 'level=info msg="a b" and more words'],
    ['auto', 'a=b c=d', 'a=b c=d'],
    ['auto', 'user="root logged in', 'user="root logged in'],
    ['auto', '["message"]', '["message"]'],
    ['auto', '"message"', '"message"'],
    ['auto', '{main} started', '{main} started'],
    ['auto', '', ''],
    ['auto', 'one line\r\n', 'one line'],
    ['auto', 'two\nlines\n', 'two\nlines'],
    ['auto', 'a\u0000b\u0007', 'a\u0000b\u0007'],
    ['text', '{"message":"m"}', '{"message":"m"}'],
    ['text', '\n', ''],
    ['logfmt', 'msg=a bare', 'a'],
  ]
  for (const [format, text, message] of table) {
    void it(`${format} takes ${JSON.stringify(text)} for the message ${JSON.stringify(message)}`, () => {
      assert.equal(decoded(text, { format }).message, message)
    })
  }

  const undecodable: readonly (readonly [Format, string | Buffer, RegExp])[] = [
    ['auto', '{"message":"m"', /not valid JSON/],
    ['auto', '{"message":"m"}}', /not valid JSON/],
    ['json', 'text', /not valid JSON/],
    ['json', '', /ends too early/],
    ['json', '["message"]', /an array and not an object/],
    ['logfmt', 'msg="a', /not logfmt/],
    ['auto', Buffer.from([0x61, 0xff, 0x62]), /not valid UTF-8/],
    ['text', Buffer.from([0xed, 0xa0, 0x80]), /not valid UTF-8/],
    ['json', Buffer.from('7b226d657373616765223a22c3227d', 'hex'), /not valid UTF-8/],
  ]
  for (const [format, value, message] of undecodable) {
    void it(`${format} finds ${JSON.stringify(value.toString())} undecodable`, () => {
      const { reason, error } = rejected(value, { format })
      assert.equal(reason, 'undecodable')
      assert.match(error.message, message)
    })
  }

  void it('text parses no time out of a line', () => {
    assert.equal(decoded(`${time} started`, { format: 'text' }).timeMs, undefined)
  })
})

void describe('a record that cannot be decoded', () => {
  void it('tells where it is and not what it says', () => {
    const { error } = rejected('{"password":"hunter2')
    assert.ok(error instanceof EnrichdError)
    assert.equal(error.code, 'RECORD_UNDECODABLE')
    assert.equal(error.kind, 'record')
    assert.deepEqual(error.context, { stage: 'decode', topic: 'logs', partition: 0, offset: 7 })
    assert.ok(!JSON.stringify([error.message, String(error.cause)]).includes('hunter'))
  })

  void it('without a value is dropped or a dead letter, as the policy says', () => {
    const dropped = recordDecoder(defaults)(sourceRecord(null))
    assert.deepEqual(
      [dropped.status, 'policy' in dropped && dropped.policy],
      ['dropped', 'decode.onTombstone'],
    )
    assert.equal(rejected(null, { onTombstone: 'dead-letter' }).reason, 'tombstone')
  })

  void it('that its source had to cut is a dead letter, whatever is left of it', () => {
    const delivery = recordDecoder(defaults)(sourceRecord('a line', { cutFromBytes: 99 }))
    assert.equal(delivery.status === 'rejected' && delivery.reason, 'undecodable')
  })
})

void describe('decoding', () => {
  void it('never throws and hands on every record, whatever its bytes, in every format', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
      fc.string({ unit: 'binary', maxLength: 200 }).map((text) => Buffer.from(text)),
      fc.json().map((text) => Buffer.from(text)),
      fc
        .tuple(fc.json(), fc.nat())
        .map(([text, at]) => Buffer.from(text).subarray(0, at % (text.length + 1))),
      fc
        .dictionary(fc.constantFrom('message', 'msg', '__proto__', 'time', 'level'), fc.jsonValue())
        .map((value) => Buffer.from(JSON.stringify(value))),
    )
    fc.assert(
      fc.property(bytes, fc.constantFrom<Format>('auto', 'json', 'text', 'logfmt'), (value, format) => {
        const record = sourceRecord(value)
        const delivery = recordDecoder({ ...defaults, format })(record)
        assert.equal(delivery.record, record)
        assert.ok(delivery.status === 'in-flight' || delivery.status === 'rejected')
      }),
      { numRuns: 1000 },
    )
    assert.equal(({} as { polluted?: unknown }).polluted, undefined)
  })

  void it('takes a message of 1 MB and refuses a value nested 100,000 deep', () => {
    const message = 'x'.repeat(1 << 20)
    assert.equal(decoded(JSON.stringify({ message })).message, message)
    const deep = `{"message":"m","a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
    assert.equal(rejected(deep).reason, 'undecodable')
  })

  void it('as a stage keeps the order, closes its source on break and hands on its error', async () => {
    let closed = 0
    async function* source(fails: boolean): AsyncGenerator<SourceRecord> {
      try {
        yield sourceRecord('one', { offset: 1 })
        yield sourceRecord('{"broken', { offset: 2 })
        if (fails) throw new Error('source failed')
        yield sourceRecord('three', { offset: 3 })
      } finally {
        closed++
      }
    }
    const seen: string[] = []
    for await (const { status, record } of decode(defaults)(source(false)))
      seen.push(`${record.offset} ${status}`)
    assert.deepEqual(seen, ['1 in-flight', '2 rejected', '3 in-flight'])
    for await (const delivery of decode(defaults)(source(false))) if (delivery.record.offset === 1) break
    await assert.rejects(async () => {
      for await (const { record } of decode(defaults)(source(true))) seen.push(String(record.offset))
    }, /source failed/)
    assert.equal(closed, 3)
  })
})

void describe('loghub', () => {
  for (const name of loghubNames) {
    void it(`${name}: every line is its own message, as text and within JSON`, needsLoghub, () => {
      const lines = readFileSync(join(loghubPath, `${name}.log`), 'utf8').split(/\r?\n/)
      for (const line of lines.filter((text) => text !== '')) {
        assert.deepEqual(decoded(`${line}\r`), {
          fields: {},
          message: line,
          timeMs: undefined,
          level: undefined,
          raw: undefined,
        })
        assert.equal(decoded(JSON.stringify({ time, message: line })).message, line)
      }
    })
  }
})
