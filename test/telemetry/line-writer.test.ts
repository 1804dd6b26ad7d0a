import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { after, describe, it } from 'node:test'
import ts from 'typescript'
import { LineWriter } from '../../src/telemetry/line-writer.js'

/**
 * The writer as plain JavaScript: tsx makes the descriptors of its process non-blocking, and a fault would not show.
 */
function transpiled(folder: string): string {
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 }
  const sources = {
    'line-writer': '../../src/telemetry/line-writer.ts',
    script: './support/write-many-lines.ts',
  }
  for (const [name, path] of Object.entries(sources)) {
    const source = readFileSync(new URL(path, import.meta.url), 'utf8')
    const { outputText } = ts.transpileModule(source, { compilerOptions: options })
    writeFileSync(
      join(folder, `${name}.mjs`),
      outputText.replace(/'[./]+src[^']*\/line-writer\.js'/, "'./line-writer.mjs'"),
    )
  }
  return join(folder, 'script.mjs')
}

const folder = mkdtempSync(join(tmpdir(), 'enrichd-lines-'))
const script = transpiled(folder)
after(() => {
  rmSync(folder, { recursive: true })
})

/** Runs the writer with a real pipe to a shell's reader; `end` lets a reader go on that waits on descriptor 3. */
async function piped(lines: number, reader: string) {
  const writer = `"${process.execPath}" "${script}" ${lines}`
  const shell = spawn('sh', ['-c', `{ ${writer}; echo "exit $?" >&2; } | { ${reader}; }`], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  let told = ''
  let read = ''
  shell.stdout?.on('data', (text) => (read += String(text)))
  const exited = new Promise<void>((resolve, reject) => {
    const deadline = setTimeout(() => {
      shell.kill()
      reject(new Error(`the writer did not end: ${told}`))
    }, 15_000)
    shell.stderr?.on('data', (text) => {
      told += String(text)
      if (!/^exit \d+$/m.test(told)) return
      clearTimeout(deadline)
      resolve()
    })
  })
  const closed = new Promise((resolve) => shell.on('close', resolve))
  try {
    await exited
  } finally {
    ;(shell.stdio[3] as Writable).end()
  }
  await closed
  const report = JSON.parse(/^\{.*\}$/m.exec(told)?.[0] ?? '{}') as { longestMs: number; lost: number }
  return { ...report, exit: Number(/^exit (\d+)$/m.exec(told)?.[1]), read }
}

describe('lines of the log', () => {
  it('reach a reader whole and in order', async () => {
    const { exit, lost, read } = await piped(5_000, 'cat')
    assert.equal(exit, 0)
    assert.equal(lost, 0)
    const numbers = read.split('\n').map((line) => Number(line.split(' ')[1]))
    assert.deepEqual(
      numbers.slice(0, -1),
      Array.from({ length: 5_000 }, (_, at) => at),
    )
  })

  it('hold up neither the event loop nor the exit when the reader stands still', async () => {
    const { exit, lost, longestMs } = await piped(100_000, 'read first; read -r second <&3')
    assert.equal(exit, 0)
    assert.ok(lost > 50_000, `${lost} lines lost`)
    assert.ok(longestMs < 3000, `held up for ${longestMs} ms`)
  })

  it('end nothing when the reader goes away', async () => {
    const { exit, lost } = await piped(50_000, 'read first')
    assert.equal(exit, 0)
    assert.ok(lost > 10_000, `${lost} lines lost`)
  })

  it('are in a file as soon as they are written', () => {
    const path = join(folder, 'log')
    const fd = openSync(path, 'w')
    const output = new LineWriter(fd)
    output.write('one\n')
    output.write('two ü\n')
    assert.equal(readFileSync(path, 'utf8'), 'one\ntwo ü\n')
    closeSync(fd)
    output.write('three\n')
    output.write('four\n')
    assert.equal(output.lost, 2)
  })
})
