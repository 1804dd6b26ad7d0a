import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import { collect } from './support/watched-source.js'

const documentation = new URL('../../docs/pipeline.md', import.meta.url)
const library = new URL('../../src/pipeline/index.ts', import.meta.url)

async function blocks(language: string): Promise<string[]> {
  const text = await readFile(documentation, 'utf8')
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map((match) => match[1]!)
}

async function load(code: string): Promise<Record<string, unknown>> {
  const directory = await mkdtemp(join(tmpdir(), 'enrichd-docs-'))
  try {
    const file = join(directory, 'example.mts')
    await writeFile(file, code.replaceAll("'enrichd/pipeline'", `'${library.href}'`))
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>
  } finally {
    await rm(directory, { recursive: true })
  }
}

describe('docs/pipeline.md', () => {
  it('has an example that prints what it says', async (t) => {
    const [example] = await blocks('ts')
    const [printed] = await blocks('text')
    const log = t.mock.method(console, 'log', () => undefined)
    await load(example!)
    const lines = log.mock.calls.map(({ arguments: [line] }: { arguments: unknown[] }) =>
      typeof line === 'string' ? line : inspect(line),
    )
    log.mock.restore()
    assert.deepEqual(lines, printed!.trimEnd().split('\n'))
  })

  it('has a stage of one`s own that works', async () => {
    const { distinct } = (await load((await blocks('ts'))[1]!)) as {
      distinct: <T>() => (source: AsyncIterable<T>) => AsyncIterable<T>
    }
    const { pipeline } = await import('../../src/pipeline/index.js')
    assert.deepEqual(await collect(pipeline([1, 1, 2, 1]).through(distinct())), [1, 2, 1])
  })
})
