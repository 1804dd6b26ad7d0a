import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { after, describe, it } from 'node:test'
import fc from 'fast-check'
import type { SourceRecord } from '../../src/delivery/delivery.js'
import { EnrichdError } from '../../src/errors.js'
import { linesSource } from '../../src/source/lines-source.js'
import { loghubNames, loghubPath, needsLoghub } from '../support/loghub.js'

const folder = mkdtempSync(join(tmpdir(), 'enrichd-lines-'))
after(() => {
  rmSync(folder, { recursive: true })
})

const never = new AbortController().signal

function fileWith(content: string | Buffer, name = 'a.log'): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

function fromFile(path: string, maxLineBytes?: number): AsyncIterable<SourceRecord> {
  const bound = maxLineBytes === undefined ? {} : { maxLineBytes }
  return linesSource({ input: { type: 'file', path }, draining: never, ...bound })
}

function fromStream(stream: Readable, draining = never, maxLineBytes = 1 << 20): AsyncIterable<SourceRecord> {
  return linesSource({
    input: { type: 'stdin', stream, startedAtMs: 5, now: () => 9 },
    draining,
    maxLineBytes,
  })
}

async function collect(source: AsyncIterable<SourceRecord>): Promise<SourceRecord[]> {
  const records: SourceRecord[] = []
  for await (const record of source) records.push(record)
  return records
}

async function texts(source: AsyncIterable<SourceRecord>): Promise<string[]> {
  return (await collect(source)).map(({ offset, value }) => `${offset} ${value?.toString() ?? ''}`)
}

void describe('lines', () => {
  const table: readonly (readonly [string, string[]])[] = [
    ['', []],
    ['a', ['1 a']],
    ['a\n', ['1 a']],
    ['a\nb', ['1 a', '2 b']],
    ['a\r\nb\r\n', ['1 a', '2 b']],
    ['a\n\n\r\nb\n\n', ['1 a', '4 b']],
    [' \n\t\n', ['1  ', '2 \t']],
    ['a\rb\n', ['1 a\rb']],
    ['\r', []],
  ]
  for (const [content, expected] of table) {
    void it(`of ${JSON.stringify(content)} are ${JSON.stringify(expected)}`, async () => {
      assert.deepEqual(await texts(fromFile(fileWith(content))), expected)
    })
  }

  void it('are the same however the input is cut into chunks, byte for byte', async () => {
    const line = fc
      .uint8Array({ maxLength: 12 })
      .map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 10)))
    await fc.assert(
      fc.asyncProperty(
        fc.array(line),
        fc.array(fc.nat(), { maxLength: 8 }),
        fc.boolean(),
        async (lines, cuts, crLf) => {
          const end = crLf ? '\r\n' : '\n'
          const all = Buffer.concat(lines.flatMap((bytes) => [bytes, Buffer.from(end)]))
          const at = [0, ...cuts.map((cut) => cut % (all.length + 1)).sort((a, b) => a - b), all.length]
          const chunks = at.slice(1).map((to, index) => all.subarray(at[index], to))
          const records = await collect(fromStream(Readable.from(chunks.filter((chunk) => chunk.length > 0))))
          const expected = lines
            .map((bytes) => (!crLf && bytes.at(-1) === 13 ? bytes.subarray(0, -1) : bytes))
            .map((bytes, index) => `${index + 1} ${bytes.toString('hex')}`)
            .filter((text) => !text.endsWith(' '))
          assert.deepEqual(
            records.map(({ offset, value }) => `${offset} ${value?.toString('hex') ?? ''}`),
            expected,
          )
        },
      ),
    )
  })

  void it('that are too long are cut and marked, and the next one is whole, however they are chunked', async () => {
    const content = Buffer.from('12345678\r\n123456789\n1234567890ab\nnext\n123456789')
    for (const size of [1, 3, 9, 100]) {
      const chunks = Array.from({ length: Math.ceil(content.length / size) }, (_, index) =>
        content.subarray(index * size, (index + 1) * size),
      )
      const records = await collect(fromStream(Readable.from(chunks), never, 8))
      assert.deepEqual(
        records.map(({ value, cutFromBytes }) => [value?.toString(), cutFromBytes]),
        [
          ['12345678', undefined],
          ['12345678', 9],
          ['12345678', 12],
          ['next', undefined],
          ['12345678', 9],
        ],
      )
    }
  })

  for (const name of loghubNames) {
    void it(`of loghub's ${name} are 2,000`, needsLoghub, async () => {
      const records = await collect(fromFile(join(loghubPath, `${name}.log`)))
      assert.equal(records.length, 2000)
      assert.ok(records.every(({ value }) => value !== null && value.length > 0 && !value.includes('\r')))
    })
  }
})

void describe('a record of a file', () => {
  void it('has an id of path and line, the time of the file, and its bytes', async () => {
    const path = fileWith('first\nsecond\n')
    utimesSync(path, 1_700_000_000, 1_700_000_000)
    const [, second] = await collect(fromFile(relative(process.cwd(), path)))
    const { lease, ...others } = second ?? assert.fail('no second record')
    assert.equal(lease.aborted, false)
    assert.deepEqual(others, {
      id: `${path}-2`,
      topic: path,
      partition: 0,
      offset: 2,
      timestampMs: 1_700_000_000_000,
      key: null,
      value: Buffer.from('second'),
      headers: {},
      bytes: 6,
      origin: 'file',
    })
    assert.equal(statSync(path).mtimeMs, 1_700_000_000_000)
  })

  void it('of stdin has an id of start and line and the time when it was read', async () => {
    const [record] = await collect(fromStream(Readable.from([Buffer.from('a\n')])))
    assert.deepEqual([record?.id, record?.topic, record?.timestampMs], ['5-1', 'stdin', 9])
  })

  void it('has an id that Elasticsearch takes, however long the path', async () => {
    const path = fileWith('a', `${'x'.repeat(200)}.log`)
    assert.equal((await collect(fromFile(path)))[0]?.id, `${path}-1`)
    const deep = join(folder, 'y'.repeat(200))
    mkdirSync(join(deep, 'y'.repeat(200)), { recursive: true })
    const [record] = await collect(
      fromFile(fileWith('a', join('y'.repeat(200), 'y'.repeat(200), 'long-name.log'.repeat(8)))),
    )
    assert.match(record?.id ?? '', /^[\da-f]{64}-1$/)
    assert.ok((record?.topic.length ?? 0) > 480)
  })
})

void describe('the source', () => {
  void it('says what is wrong with a file that is absent, a directory, or a bound that is none', async () => {
    for (const path of [join(folder, 'absent.log'), folder]) {
      await assert.rejects(collect(fromFile(path)), (error: unknown) => {
        assert.ok(error instanceof EnrichdError)
        assert.deepEqual([error.code, error.kind], ['SOURCE_FAILED', 'setting'])
        assert.ok(error.cause instanceof Error)
        return true
      })
    }
    assert.throws(() => fromFile('x', 0), RangeError)
  })

  void it('hands out what came before a reading error, and then the error', async () => {
    async function* failing(): AsyncGenerator<Buffer> {
      yield Buffer.from('a\nb')
      throw new Error('EIO')
    }
    const seen: string[] = []
    await assert.rejects(async () => {
      for await (const { value } of fromStream(Readable.from(failing()))) seen.push(String(value))
    }, /Reading the input failed: EIO/)
    assert.deepEqual(seen, ['a'])
  })

  void it('reads no more than is asked for, in constant memory', async () => {
    const line = Buffer.from(`${'x'.repeat(1023)}\n`)
    let made = 0
    const chunk = Buffer.concat(Array.from({ length: 64 }, () => line))
    const stream = new Readable({
      read() {
        made++
        this.push(chunk)
      },
    })
    let taken = 0
    for await (const record of fromStream(stream)) {
      assert.equal(record.bytes, 1023)
      if (++taken % 64 === 0) assert.ok(made <= taken / 64 + 3, `${made} chunks for ${taken} lines`)
      if (taken === 64 * 500) break
    }
    assert.ok(stream.destroyed)
  })

  void it('ends when a drain begins, also while it waits for input, and closes the input', async () => {
    const stream = new PassThrough()
    const drain = new AbortController()
    const records = fromStream(stream, drain.signal)[Symbol.asyncIterator]()
    stream.write('a\nb\nc')
    assert.equal((await records.next()).done, false)
    assert.equal((await records.next()).done, false)
    const waiting = records.next()
    drain.abort()
    assert.equal((await waiting).done, true)
    assert.ok(stream.destroyed)
  })

  void it('hands out nothing more of a chunk once a drain has begun', async () => {
    const drain = new AbortController()
    const seen: number[] = []
    for await (const { offset } of fromStream(Readable.from([Buffer.from('a\nb\nc\n')]), drain.signal)) {
      seen.push(offset)
      drain.abort()
    }
    assert.deepEqual(seen, [1])
    assert.deepEqual(await collect(fromStream(Readable.from([Buffer.from('a\n')]), AbortSignal.abort())), [])
  })

  void it('is closed by an early return, also during a pull', async () => {
    const stream = new PassThrough()
    const records = fromStream(stream)[Symbol.asyncIterator]()
    const waiting = records.next()
    await records.return?.()
    assert.equal((await waiting).done, true)
    assert.ok(stream.destroyed)
  })
})
