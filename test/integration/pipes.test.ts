import assert from 'node:assert/strict'
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { startFakeNlp } from '../support/fake-nlp.js'

const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** 64 kB each: the program is to be held up by bytes, not by calls. */
const lineOf = (number: number) =>
  `${JSON.stringify({ message: `job ${number} done`, number, rest: 'x'.repeat(64_000) })}\n`

/** The built program between two pipes. */
async function startPipe(t: TestContext): Promise<{ child: ChildProcessWithoutNullStreams; log: string[] }> {
  const nlp = await startFakeNlp({})
  const directory = mkdtempSync(join(tmpdir(), 'enrichd-pipes-'))
  const settings = {
    'source.type': 'stdin',
    'sink.type': 'stdout',
    'nlp.url': nlp.url,
    'admin.port': 0,
    'pipeline.maxBufferedBytes': 1024 * 1024,
    'elasticsearch.batchBytes': 512 * 1024,
  }
  const set = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`])
  const child = spawn(process.execPath, [program, 'run', ...set], {
    cwd: directory,
    env: { PATH: process.env['PATH'] ?? '' },
  })
  t.after(async () => {
    child.kill('SIGKILL')
    await nlp.close()
    rmSync(directory, { recursive: true })
  })
  const log: string[] = []
  child.stderr.setEncoding('utf8').on('data', (text: string) => log.push(text))
  child.stdin.on('error', () => undefined)
  return { child, log }
}

/** Writes lines as fast as the pipe takes them. */
function feed({ stdin }: ChildProcessWithoutNullStreams, count: number) {
  const fed = { lines: 0, done: Promise.resolve() }
  function* lines() {
    while (fed.lines < count) yield lineOf(fed.lines++)
  }
  // That nobody reads any more is the program's right.
  fed.done = pipeline(Readable.from(lines(), { highWaterMark: 1 }), stdin).catch(() => undefined)
  return fed
}

async function numbersOf({ stdout }: ChildProcessWithoutNullStreams): Promise<number[]> {
  let text = ''
  for await (const chunk of stdout.setEncoding('utf8')) text += String(chunk)
  const lines = text.split('\n').slice(0, -1)
  return lines.map((line) => (JSON.parse(line) as { number: number }).number)
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index)

describe('between two pipes', () => {
  it('the end of the input drains: every line comes out once, exit 0', { timeout: 120_000 }, async (t) => {
    const { child, log } = await startPipe(t)
    const exited = once(child, 'exit')
    feed(child, 300)
    const numbers = await numbersOf(child)
    assert.deepEqual(await exited, [0, null], log.join(''))
    assert.deepEqual(
      numbers.sort((a, b) => a - b),
      upTo(300),
    )
  })

  it(
    'a reader that waits holds up the input, within its bound, and loses nothing',
    { timeout: 180_000 },
    async (t) => {
      const { child, log } = await startPipe(t)
      const exited = once(child, 'exit')
      const count = 1000 // 64 MB
      const fed = feed(child, count)
      await untilStill(() => fed.lines)
      // 1 MiB is held, 64 kB to a chunk of input; each of the two pipes and streams holds some more.
      assert.ok(fed.lines < 200, `${fed.lines} lines of 64 kB were taken, and nothing was read`)
      const numbers = await numbersOf(child)
      assert.deepEqual(await exited, [0, null], log.join(''))
      assert.deepEqual(
        numbers.sort((a, b) => a - b),
        upTo(count),
      )
    },
  )

  it('a reader that goes away ends it quietly, as `| head` does', { timeout: 120_000 }, async (t) => {
    const { child, log } = await startPipe(t)
    const exited = once(child, 'exit')
    feed(child, 1000)
    await once(child.stdout, 'data')
    child.stdout.destroy()
    assert.deepEqual(await exited, [0, null], log.join(''))
    const lines = log.join('').split('\n').filter(Boolean)
    const loud = lines.filter((line) => !line.startsWith('{') || /"level":"(warn|error|fatal)"/.test(line))
    assert.deepEqual(loud, [])
    const draining = lines.map((line) => JSON.parse(line) as { event: string; msg: string })
    assert.match(draining.find(({ event }) => event === 'daemon.draining')?.msg ?? '', /closed by its reader/)
  })
})

/** Waits until something has begun to grow and has then stood still for two seconds. */
async function untilStill(read: () => number): Promise<void> {
  const deadline = performance.now() + 90_000
  let last = read()
  let since = performance.now()
  while (performance.now() < deadline) {
    await sleep(50)
    const now = read()
    if (now !== last) since = performance.now()
    last = now
    if (performance.now() - since > 2000 && last > 16) return
  }
  assert.fail(`it does not stand still: ${last}`)
}
