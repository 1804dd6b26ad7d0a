import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { parseCommandLine } from '../../src/commands/command-line.js'
import { commands } from '../../src/commands/commands.js'
import { loadConfig } from '../../src/config/load.js'
import { settings, valueAt } from '../../src/config/schema.js'

const root = new URL('../../', import.meta.url)
const read = (name: string): string => readFileSync(new URL(name, root), 'utf8')
const readme = read('README.md')

describe('README.md', () => {
  test('every link leads to a file that is there', () => {
    for (const page of ['README.md', 'CHANGELOG.md', 'ARCHITECTURE.md']) {
      const links = [...read(page).matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path = '']) => path)
      for (const path of links) assert.ok(existsSync(new URL(path, root)), `${page}: ${path}`)
    }
  })

  test('the five settings are a complete configuration', () => {
    const exported = [...readme.matchAll(/^export (ENRICHD_\w+)=(\S+)/gm)]
    const environment = Object.fromEntries(exported.map(([, name = '', value = '']) => [name, value]))
    assert.equal(exported.length, 5)
    loadConfig({ environment })
  })

  test('every command of the program is named, and every npm script that is named is there', () => {
    const table = /\| command \| does \|\n\|---\|---\|\n((?:\|.*\n)+)/.exec(readme)?.[1] ?? ''
    const named = [...table.matchAll(/^\| `([a-z-]+)`/gm)].map(([, name]) => name)
    assert.deepEqual(named.toSorted(), commands.map(({ name }) => name).sort())
    for (const [, args = ''] of readme.matchAll(/^node dist\/main\.js ([^#\n]+)/gm))
      parseCommandLine(args.trim().split(' '), commands)
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    for (const [, script = ''] of readme.matchAll(/npm run ([a-z:]+)/g)) assert.ok(script in scripts, script)
  })

  test('the settings that matter have the defaults that are told', () => {
    const { config } = loadConfig({
      environment: {
        ENRICHD_NLP_URL: 'embedded:',
        ENRICHD_SOURCE_TYPE: 'stdin',
        ENRICHD_SINK_TYPE: 'stdout',
      },
    })
    const table = /\| setting \| default \|.*\n\|---\|---\|---\|\n((?:\|.*\n)+)/.exec(readme)?.[1] ?? ''
    const rows = [...table.matchAll(/^\| `([\w.]+)` \| `?([^`|]+?)`? \|/gm)]
    assert.ok(rows.length >= 8)
    for (const [, key = '', told = ''] of rows) {
      assert.ok(settings.has(key), key)
      const [, amount] = /^(\d+) MiB$/.exec(told) ?? []
      const value = amount !== undefined ? Number(amount) * 1_048_576 : told
      assert.equal(String(valueAt(config, key)), String(value), key)
    }
  })
})
