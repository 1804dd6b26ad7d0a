import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'
import { commands } from '../../src/commands/commands.js'
import { rejectionReasons } from '../../src/delivery/delivery.js'

const page = readFileSync(new URL('../../docs/commands.md', import.meta.url), 'utf8')

it('docs/commands.md names every command, and every option of replay', () => {
  for (const { name } of commands) assert.match(page, new RegExp(`^\\| \`${name}[ \`]`, 'm'), name)
  const replay = commands.find(({ name }) => name === 'replay')
  for (const option of Object.keys(replay?.options ?? {})) assert.ok(page.includes(`--${option}`), option)
  for (const [, reason] of page.matchAll(/`((?:nlp|document)-(?:failed|rejected))`/g))
    assert.ok((rejectionReasons as readonly string[]).includes(reason ?? ''), reason)
})
