import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { screens } from './modules.js'

/** A stream that keeps what was written to it. */
function terminal(columns?: number) {
  let text = ''
  const stream = { isTTY: columns !== undefined, columns, write: (chunk: string) => (text += chunk) }
  return { stream, written: () => text }
}

const utf8 = { LANG: 'en_US.UTF-8' }

describe('what the demo prints with', () => {
  test('on a terminal it is in colour, and one line is written over', () => {
    const { stream, written } = terminal(80)
    const screen = screens.createScreen({ stream, env: utf8 })
    screen.heading('Title')
    screen.live(() => 'working')
    screen.say('done')
    assert.equal(written(), '\n\u001b[1mTitle\u001b[22m\n\r\u001b[Kworking\r\u001b[Kdone\n')
  })

  test('without a terminal there are no escape sequences', () => {
    const { stream, written } = terminal()
    const screen = screens.createScreen({ stream, env: utf8 })
    screen.heading('Title')
    screen.live(() => 'working')
    screen.item('name', 'text')
    screen.endLive()
    assert.equal(written(), '\nTitle\n  name          text\n')
  })

  test('NO_COLOR, TERM=dumb and FORCE_COLOR are honoured', () => {
    const wants = [
      [80, { NO_COLOR: '1' }, false],
      [80, { NO_COLOR: '' }, true],
      [80, { TERM: 'dumb' }, false],
      [undefined, { FORCE_COLOR: '1' }, true],
      [undefined, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
    ] as const
    for (const [columns, env, coloured] of wants) {
      const { stream, written } = terminal(columns)
      screens.createScreen({ stream, env: { ...utf8, ...env } }).heading('Title')
      assert.equal(written().includes('\u001b['), coloured, JSON.stringify(env))
    }
  })

  test('block characters are for locales that have them', () => {
    const blocksIn = (env: Readonly<Record<string, string>>, platform = 'linux'): boolean =>
      screens.createScreen({ stream: terminal(80).stream, env, platform }).blocks
    assert.ok(blocksIn({ LANG: 'C.UTF-8' }))
    assert.ok(blocksIn({}, 'darwin'))
    assert.ok(!blocksIn({ LANG: 'C' }))
    assert.ok(!blocksIn({ LC_ALL: 'POSIX', LANG: 'en_US.utf8' }))
    assert.ok(!blocksIn({ ...utf8, TERM: 'dumb' }))
  })

  test('on a narrow terminal prose is wrapped, addresses stay whole, and the live line is cut', () => {
    const { stream, written } = terminal(30)
    const screen = screens.createScreen({ stream, env: { ...utf8, NO_COLOR: '1' } })
    screen.say('ten words of prose that do not fit on one line')
    screen.item('address', 'it is http://127.0.0.1:8686/and/a/long/path as ever')
    screen.live(() => 'x'.repeat(100))
    screen.endLive()
    const lines = written().replaceAll('\r\u001b[K', '\n').split('\n')
    assert.ok(lines.includes('    http://127.0.0.1:8686/and/a/long/path'))
    assert.ok(lines.includes(`${'x'.repeat(28)}…`))
    for (const line of lines) assert.ok(line.length <= 30 || line.includes('http://'), line)
  })
})
