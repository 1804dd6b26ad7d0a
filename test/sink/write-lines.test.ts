import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import test, { after, before } from 'node:test'
import type { Finished, Indexed } from '../../src/delivery/delivery.js'
import { EnrichdError } from '../../src/errors.js'
import { openFileOutput, openStreamOutput, writeLines, type LineOutput } from '../../src/sink/write-lines.js'
import { byStatus, fromArray, inBatches, inFlight, sinkRecord, toArray } from '../support/sink-records.js'

let directory = ''
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'enrichd-lines-'))
})
after(() => rm(directory, { recursive: true }))

const records = (count: number) => Array.from({ length: count }, (_, offset) => inFlight(offset))
const lines = async (path: string) =>
  (await readFile(path, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { offset?: number }).offset)

test('every document is a line of the file, in order, and has a receipt', async () => {
  const path = join(directory, 'plain.ndjson')
  const finished = await toArray(
    writeLines(() => openFileOutput(path))(fromArray(inBatches(records(120), 50))),
  )
  assert.equal(byStatus(finished).indexed, 120)
  assert.deepEqual((finished[7] as Indexed).receipt, {
    index: path,
    id: finished[7]?.record.id,
    outcome: 'indexed',
  })
  assert.deepEqual(await lines(path), [...Array(120).keys()])
})

test('a file that is there is appended to, and a partial last line is ended first', async () => {
  const path = join(directory, 'partial.ndjson')
  await writeFile(path, '{"offset":-2}\n{"off')
  await toArray(writeLines(() => openFileOutput(path))(fromArray([records(1)])))
  assert.equal(await readFile(path, 'utf8'), '{"offset":-2}\n{"off\n{"message":"m","offset":0}\n')
})

test('a file that cannot be written is told with its path', async () => {
  const path = join(directory, 'no', 'such', 'directory')
  await assert.rejects(
    toArray(writeLines(() => openFileOutput(path))(fromArray([records(1)]))),
    (error: unknown) => {
      assert.ok(error instanceof EnrichdError)
      assert.equal(error.code, 'SINK_FAILED')
      assert.match(error.message, /no\/such\/directory/)
      return true
    },
  )
})

test('records are handed on only after their write is done', async () => {
  const written: string[] = []
  let finishWrite: () => void = () => assert.fail('nothing was written')
  const output: LineOutput = {
    name: 'slow',
    write: (text) =>
      new Promise((resolve) => {
        finishWrite = () => {
          written.push(text)
          resolve()
        }
      }),
    close: async () => {},
  }
  const stage = writeLines(async () => output)(fromArray([records(2)]))[Symbol.asyncIterator]()
  const first = stage.next()
  const early = await Promise.race([first, new Promise((resolve) => setTimeout(resolve, 20, 'nothing yet'))])
  assert.equal(early, 'nothing yet')
  finishWrite()
  assert.equal((await first).done, false)
  assert.equal(written.length, 1)
  await stage.return?.()
})

test('what is finished, moved or cut off is not written', async () => {
  const path = join(directory, 'moved.ndjson')
  const moved = new AbortController()
  const cutOff = new AbortController()
  moved.abort()
  const dropped: Finished = { status: 'dropped', record: sinkRecord(3), policy: 'p' }
  async function* source() {
    yield [inFlight(0), inFlight(1, { lease: moved.signal }), dropped]
    cutOff.abort()
    yield [inFlight(2)]
  }
  const finished = await toArray(writeLines(() => openFileOutput(path), { cutOff: cutOff.signal })(source()))
  assert.deepEqual(
    finished.map(({ status }) => status),
    ['indexed', 'released', 'dropped', 'released'],
  )
  assert.deepEqual(await lines(path), [0])
})

test('a slow stream holds up the source', async () => {
  const stream = new PassThrough({ highWaterMark: 10 })
  let pulled = 0
  async function* source() {
    for (; pulled < 100; pulled++) yield [inFlight(pulled)]
  }
  const output = openStreamOutput(stream, 'stdout')
  const finished = toArray(writeLines(async () => output)(source()))
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.ok(pulled < 5, `${pulled}`)
  stream.resume()
  assert.equal((await finished).length, 100)
})

test('a reader that goes away ends the stage with SINK_CLOSED', async () => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.destroy()'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  await once(child, 'exit')
  const output = openStreamOutput(child.stdin, 'stdout')
  async function* endless() {
    for (let offset = 0; ; offset++) yield [inFlight(offset)]
  }
  await assert.rejects(
    toArray(writeLines(async () => output)(endless())),
    (error: unknown) => error instanceof EnrichdError && error.code === 'SINK_CLOSED',
  )
})

const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
const failing: Record<string, (done: (error: Error) => void) => void> = {
  tells: (done) => {
    done(full)
  },
  throws: () => {
    throw full
  },
}
for (const [how, fail] of Object.entries(failing)) {
  test(`any other failure of a stream, which it ${how}, is SINK_FAILED`, async () => {
    const stream = new Writable({
      write: (_chunk, _encoding, done) => {
        fail(done)
      },
    })
    const output = openStreamOutput(stream, 'stdout')
    await assert.rejects(
      toArray(writeLines(async () => output)(fromArray([records(1)]))),
      (error: unknown) =>
        error instanceof EnrichdError && error.code === 'SINK_FAILED' && error.cause === full,
    )
  })
}
