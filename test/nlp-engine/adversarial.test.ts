import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { analyseText } from '../../src/nlp-engine/analyse-text.js'
import { patterns } from '../../src/nlp-engine/find-patterns.js'
import { matchesOf } from '../../src/nlp-engine/patterns/pattern.js'

/** What the expressions begin with and repeat, each to be repeated until it fills a text. */
const units = [
  ...[
    'a',
    'A',
    '1',
    '0',
    'f',
    'é',
    '😀',
    ' ',
    '\n',
    '\t',
    '.',
    '/',
    ':',
    '-',
    '_',
    '@',
    '!',
    '"',
    '(',
    '[',
    '\\',
    '=',
    ',',
    '$',
  ],
  ...[
    'a.',
    'a-',
    'a_',
    'a@',
    'a@b.',
    'a/',
    '/a',
    './',
    '~/',
    'C:\\',
    'C:\\a ',
    'C:\\a b\\',
    '\\\\a\\',
    '\\\\',
    'a.com',
    'a.com.',
  ],
  ...[
    '1.',
    '1,',
    '1,111',
    '1 ',
    '1:',
    '11:',
    '1-',
    '1m',
    '1h',
    '1d2h3m',
    '::',
    'f:',
    '0:',
    '0x',
    '0xf',
    '_1',
    'a_1',
    'a_1_',
  ],
  ...[
    'http://',
    'http://a.',
    '://',
    'a://b',
    'id=',
    'id ',
    'fooId=',
    'requestId: a',
    'E',
    'E1',
    'ERR_',
    'HTTP ',
    'HTTP/1.1 ',
  ],
  ...[
    'status: ',
    'status=',
    'returned ',
    '-> ',
    'port ',
    'host=',
    'node=a.',
    'java.',
    'java.lang.',
    'aException',
    'AError',
  ],
  ...[
    'Error',
    'Exception',
    'a::',
    'A$',
    'Jan ',
    'Jan 1 ',
    '2024-01-01',
    '2024-01-01 ',
    '12:00:00',
    '<1>',
    'ts=1',
    'time: 1',
  ],
  ...[
    'us-',
    'us-east-',
    'eu-west-1',
    'eastus',
    'deadbeef',
    'DEADBEEF1',
    '00000000-',
    '00000000-0000-0000-0000-',
    'a1b2',
  ],
  ...[
    '1 GB',
    '1 byte',
    '$1,',
    'one ',
    'may ',
    '5 days ago ',
    'fatal ',
    'no error ',
    'error ',
    'level=',
    'level=x ',
    '"error":',
  ],
  ...[
    '10.0.0.1',
    '10.0.0.1:',
    '10.0.0.1(',
    'req-',
    'i-0',
    'exit code ',
    'error_code=',
    'sqlstate[',
    '(111: ',
    'errno ',
  ],
]
const filled = (unit: string, length: number): string => unit.repeat(Math.ceil(length / unit.length))

function timeMs(run: () => unknown): number {
  const { user, system } = process.cpuUsage()
  run()
  const after = process.cpuUsage()
  return (after.user + after.system - user - system) / 1000
}

describe('a text of 16 kB made to be slow', () => {
  it('takes no pattern longer than a fraction of a second', () => {
    for (const pattern of patterns) {
      for (const unit of units) {
        const tookMs = timeMs(() => [...matchesOf(pattern, filled(unit, 16_384))])
        assert.ok(tookMs < 300, `${pattern.expression.source} took ${tookMs} ms on ${JSON.stringify(unit)}`)
      }
    }
  })

  it('is analysed within the time limit by far', () => {
    for (const unit of units) {
      const tookMs = timeMs(() => analyseText(filled(unit, 16_384)))
      assert.ok(tookMs < 1000, `${tookMs} ms for ${JSON.stringify(unit)}`)
    }
  })

  it('does not slow the tokenizer down where whole runs without blanks are repeated', () => {
    for (const unit of ['http://', '!?', 'a@', '1.1.', '(((']) {
      const text = `${filled(unit, 60)} `
      const tookMs = timeMs(() => analyseText(`5 days ${filled(text, 16_384)}`))
      assert.ok(tookMs < 1000, `${tookMs} ms for ${JSON.stringify(unit)}`)
    }
  })
})
