import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { DeadLetterWriter, type DeadLetterStore } from '../../src/dead-letter/dead-letter-writer.js'
import { fileDeadLetters } from '../../src/dead-letter/file-dead-letters.js'
import { fileLetterLog } from '../../src/dead-letter/file-letter-log.js'
import { kafkaDeadLetters } from '../../src/dead-letter/kafka-dead-letters.js'
import { reject, type Rejected } from '../../src/delivery/delivery.js'
import { EnrichdError } from '../../src/errors.js'
import type { ProducedRecord } from '../../src/kafka/kafka-client.js'
import { systemClock } from '../../src/pipeline/clock.js'
import { silentTelemetry } from '../../src/telemetry/silent-telemetry.js'
import { turns } from '../pipeline/support/watched-source.js'
import { sourceRecord } from '../support/source-record.js'

function rejected(
  n: number,
  value: Buffer | string | null = `value ${n}`,
  lease = new AbortController().signal,
): Rejected {
  const record = sourceRecord(value, {
    offset: n,
    key: Buffer.from('k'),
    headers: { h: Buffer.from('1') },
    lease,
  })
  return reject(record, {
    reason: 'nlp-rejected',
    stage: 'enrich',
    error: new EnrichdError('NLP_REJECTED', 'it answered 422', { kind: 'record', said: 'no such language' }),
    attempts: 2,
  })
}

function writer(
  store: Partial<DeadLetterStore>,
  cutOff = new AbortController().signal,
  telemetry = silentTelemetry,
): DeadLetterWriter {
  const whole = { write: () => Promise.resolve(), close: () => Promise.resolve(), ...store }
  return new DeadLetterWriter({ store: whole, probeIntervalMs: 2, cutOff, telemetry, clock: systemClock })
}

describe('DeadLetterWriter', () => {
  it('gathers what comes while a write is under way into the next one, in order', async () => {
    const writes: number[][] = []
    const letters = writer({
      write: async (batch) => {
        writes.push(batch.map(({ record }) => record.offset))
        await new Promise((resolve) => setImmediate(resolve))
      },
    })
    const done = await Promise.all([1, 2, 3, 4].map((n) => letters.write(rejected(n))))
    assert.deepEqual(done, [true, true, true, true])
    assert.deepEqual(writes, [[1], [2, 3, 4]])
  })

  it('writes a letter that comes at any moment of the end of the write before', async () => {
    for (let moment = 0; moment < 12; moment++) {
      const letters = writer({})
      await letters.write(rejected(1))
      for (let turn = 0; turn < moment; turn++) await Promise.resolve()
      let written = false
      void letters.write(rejected(2)).then(() => (written = true))
      await turns()
      assert.ok(written, `${moment} turns after the first`)
    }
  })

  it('never loses a letter: it waits until the store works, and says once that it does not', async () => {
    let failures = 5
    const told: string[] = []
    const telemetry = {
      ...silentTelemetry,
      dependencyDown: () => told.push('down'),
      dependencyUp: () => told.push('up'),
    }
    const write = () => (failures-- > 0 ? Promise.reject(new Error('disk full')) : Promise.resolve())
    assert.equal(await writer({ write }, undefined, telemetry).write(rejected(1)), true)
    assert.deepEqual(told, ['down', 'up'])
  })

  it('gives up at the cut-off, and says that the letter is not written', async () => {
    const cutOff = new AbortController()
    const letters = writer({ write: () => Promise.reject(new Error('away')) }, cutOff.signal)
    const writing = letters.write(rejected(1))
    cutOff.abort(new Error('the deadline'))
    assert.equal(await writing, false)
  })

  it('writes nothing for a record that is ours no more', async () => {
    const ended = new AbortController()
    ended.abort()
    let writes = 0
    const letters = writer({
      write: () => {
        writes++
        return Promise.resolve()
      },
    })
    assert.equal(await letters.write(rejected(1, 'x', ended.signal)), false)
    assert.equal(writes, 0)
  })

  it('writes nothing for a record that was lost while the store was away, and the others once it is back', async () => {
    const lost = new AbortController()
    const written: number[] = []
    let away = true
    const letters = writer({
      write: (batch) => {
        if (away) {
          lost.abort()
          away = false
          return Promise.reject(new Error('away'))
        }
        written.push(...batch.map(({ record }) => record.offset))
        return Promise.resolve()
      },
    })
    assert.equal(await letters.write(rejected(1, 'x', lost.signal)), false)
    assert.equal(await letters.write(rejected(2)), true)
    assert.deepEqual(written, [2])
  })
})

describe('kafkaDeadLetters', () => {
  it('keeps key, value and headers as they came, and adds where the record was and why it was rejected', async () => {
    const sent: [string, ProducedRecord][] = []
    const producer = {
      send: (topic: string, records: readonly ProducedRecord[]) => {
        for (const each of records) sent.push([topic, each])
        return Promise.resolve()
      },
      close: () => Promise.resolve(),
    }
    await kafkaDeadLetters({ producer, topic: '{topic}.dead-letter' }).write([rejected(7)])
    const [topic, letter] = sent[0]!
    assert.equal(topic, 'logs.dead-letter')
    assert.deepEqual(letter.key, Buffer.from('k'))
    assert.deepEqual(letter.value, Buffer.from('value 7'))
    assert.deepEqual(letter.headers, {
      h: Buffer.from('1'),
      'enrichd-topic': 'logs',
      'enrichd-partition': '0',
      'enrichd-offset': '7',
      'enrichd-timestamp': '1700000000000',
      'enrichd-stage': 'enrich',
      'enrichd-reason': 'nlp-rejected',
      'enrichd-error': 'it answered 422: no such language',
      'enrichd-attempts': '2',
    })
  })

  it('writes the first 64 KiB of a record that is too large for the topic, marked, and its neighbours whole', async () => {
    const sent: ProducedRecord[] = []
    const send = (_topic: string, records: readonly ProducedRecord[]) => {
      if (records.some(({ value }) => (value?.length ?? 0) > 100_000)) {
        return Promise.reject(new EnrichdError('KAFKA_RECORD_TOO_LARGE', 'too large', { kind: 'record' }))
      }
      sent.push(...records)
      return Promise.resolve()
    }
    const store = kafkaDeadLetters({ producer: { send, close: () => Promise.resolve() }, topic: 'dead' })
    await store.write([rejected(1), rejected(2, Buffer.alloc(200_000)), rejected(3)])
    assert.deepEqual(
      sent.map(({ value }) => value?.length),
      [7, 65_536, 7],
    )
    assert.equal(sent[1]?.headers['enrichd-truncated'], '200000')
  })

  it('leaves out the headers of a record whose headers alone are too large, then key and value', async () => {
    for (const most of [70_000, 1000]) {
      const sent: ProducedRecord[] = []
      const size = ({ value, headers }: ProducedRecord) =>
        Object.values(headers).reduce<number>((sum, each) => sum + (each?.length ?? 0), value?.length ?? 0)
      const send = (_topic: string, records: readonly ProducedRecord[]) => {
        if (records.some((each) => size(each) > most))
          return Promise.reject(new EnrichdError('KAFKA_RECORD_TOO_LARGE', 'too large', { kind: 'record' }))
        sent.push(...records)
        return Promise.resolve()
      }
      const store = kafkaDeadLetters({ producer: { send, close: () => Promise.resolve() }, topic: 'dead' })
      const large = rejected(1, Buffer.alloc(200_000))
      const record = { ...large.record, headers: { mine: Buffer.alloc(100_000) } }
      await store.write([{ ...large, record }])
      const [letter] = sent
      assert.ok(letter !== undefined && sent.length === 1)
      const { value, headers } = letter
      assert.equal(value?.length, most > 65_536 ? 65_536 : undefined)
      assert.deepEqual(
        [headers['mine'], headers['enrichd-offset'], headers['enrichd-truncated']],
        [undefined, '1', '200000'],
      )
    }
  })
})

describe('fileDeadLetters', () => {
  it('appends one line of JSON for each, with the exact bytes', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'dead-letters-'))
    t.after(() => rm(folder, { recursive: true }))
    const path = join(folder, 'dead.ndjson')
    const store = fileDeadLetters(path)
    await store.write([rejected(1, Buffer.from([0xff, 0x00])), rejected(2, null)])
    await store.close()
    const lines = (await readFile(path, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    assert.deepEqual(
      lines.map(({ value }) => value),
      [Buffer.from([0xff, 0x00]).toString('base64'), null],
    )
    assert.equal((lines[0]?.['headers'] as Record<string, string>)['enrichd-offset'], '1')
  })

  it('ends a line that a crash cut off, and keeps headers that are no text', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'dead-letters-'))
    t.after(() => rm(folder, { recursive: true }))
    const path = join(folder, 'dead.ndjson')
    await writeFile(path, '{"key":null,"val')
    const bytes = Buffer.from([0xff, 0xfe, 0x01])
    const one = rejected(1, null)
    const store = fileDeadLetters(path)
    await store.write([{ ...one, record: { ...one.record, headers: { h: bytes, t: Buffer.from('text') } } }])
    await store.close()
    const [cutOff, line = '', end] = (await readFile(path, 'utf8')).split('\n')
    assert.deepEqual([cutOff, end], ['{"key":null,"val', ''])
    const { headers } = JSON.parse(line) as { headers: Record<string, unknown> }
    assert.deepEqual([headers['h'], headers['t']], [{ base64: bytes.toString('base64') }, 'text'])
    const log = fileLetterLog(path)
    const [part] = await log.open()
    assert.ok(part)
    const { letters } = await log.read(part, 0)
    assert.deepEqual(
      letters.map((letter) => letter.headers['h']),
      [bytes],
    )
    await log.close()
  })
})
