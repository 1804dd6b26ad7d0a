import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { cannotStartStack } from '../support/stack.js'
import { until } from '../support/until.js'

const program = fileURLToPath(new URL('../../scripts/demo/demo.mjs', import.meta.url))

const { knownRuns: runs } = (await import(
  new URL('../../scripts/demo/run-record.mjs', import.meta.url).href
)) as { knownRuns: () => object[] }

interface Outcome {
  readonly code: number | null
  readonly text: string
}

/** Runs the demo in a temporary directory of its own; with `interruptAt` it gets SIGINT as soon as that was printed. */
async function demo(
  args: readonly string[],
  { temporary, interruptAt }: { readonly temporary: string; readonly interruptAt?: string },
): Promise<Outcome> {
  const env = { ...process.env, TMPDIR: temporary, LANG: 'C.UTF-8', FORCE_COLOR: '' }
  const child = spawn(process.execPath, [program, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  let interrupted = false
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (interruptAt === undefined || interrupted || !text.includes(interruptAt)) return
      interrupted = true
      child.kill('SIGINT')
    })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, text }
}

function temporaryDirectory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'demo-test-'))
  t.after(() => {
    rmSync(path, { recursive: true, force: true })
  })
  return path
}

/** Processes whose working directory is, or was, in `directory`; only Linux tells. */
function processesIn(directory: string): string[] {
  if (!existsSync('/proc/self/cwd')) return []
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`).startsWith(directory)
    } catch {
      return false
    }
  })
}

function assertNothingLeft(temporary: string): void {
  assert.deepEqual(readdirSync(temporary), [])
  assert.deepEqual(processesIn(temporary), [])
}

describe('npm run demo', () => {
  test('without servers it goes from a file to documents, drains on SIGTERM, and leaves nothing behind', async (t) => {
    const temporary = temporaryDirectory(t)
    const { code, text } = await demo(['--stack', 'embedded'], { temporary })
    assert.equal(code, 0, text)
    for (const part of [
      'status page: http://',
      'by severity',
      'most frequent entities',
      'two of the documents',
    ])
      assert.ok(text.includes(part), text)
    assert.match(text, /exit code 0/)
    assert.ok(!text.includes('\u001b'), 'no escape sequences without a terminal')
    assertNothingLeft(temporary)
  })

  for (const interruptAt of ['program ', 'NLP service', 'An hour of logs']) {
    test(`interrupted when it says "${interruptAt}", it cleans up and exits 130`, async (t) => {
      const temporary = temporaryDirectory(t)
      const { code, text } = await demo(['--stack', 'embedded'], { temporary, interruptAt })
      assert.equal(code, 130, text)
      assert.match(text, /Interrupted \(SIGINT\)/)
      assertNothingLeft(temporary)
    })
  }

  test('--keep leaves it there and says how to look, and --stop ends it', async (t) => {
    if (runs().length > 0) {
      t.skip('a demo of this clone is there, which --stop would end')
      return
    }
    const temporary = temporaryDirectory(t)
    const { code, text } = await demo(['--stack', 'embedded', '--keep'], { temporary })
    assert.equal(code, 0, text)
    const [, documents = ''] = /(\S+documents\.ndjson)$/m.exec(text) ?? []
    assert.ok(existsSync(documents), text)
    assert.match(text, /npm run demo -- --stop/)
    assert.equal((await demo(['--stop'], { temporary })).code, 0)
    await until('all processes end', () => processesIn(temporary).length === 0, 5000)
    assertNothingLeft(temporary)
  })

  test('wrong usage exits 2 and says what there is', async (t) => {
    const { code, text } = await demo(['--stack', 'cloud'], { temporary: temporaryDirectory(t) })
    assert.equal(code, 2)
    assert.match(text, /--stack is one of java, docker, embedded/)
  })

  test(
    'on a real Kafka and a real Elasticsearch the balance is right after SIGTERM in a burst',
    { skip: cannotStartStack(), timeout: 10 * 60_000 },
    async (t) => {
      const temporary = temporaryDirectory(t)
      const { code, text } = await demo(['--stack', 'java'], { temporary })
      assert.equal(code, 0, text)
      assert.match(text, /these are answers of Elasticsearch/)
      assert.match(text, /nothing lost, nothing done twice/)
      assertNothingLeft(temporary)
    },
  )
})
