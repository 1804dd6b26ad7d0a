import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { analyseText } from '../../src/nlp-engine/analyse-text.js'

const cases = {
  critical: [
    '2024-01-01 00:00:00 FATAL cannot go on',
    'kernel panic - not syncing',
    'java.lang.OutOfMemoryError: Java heap space',
    'Out of memory: Killed process 1',
    'index is corrupted',
    'level=critical msg="x"',
    'ERROR: checksum mismatch, data loss',
  ],
  high: [
    '2024-01-01 ERROR something',
    'connection refused',
    'upstream answered HTTP/1.1" 502 0',
    'WARN java.io.IOException: broken pipe',
    'E0312 06:25:19.442181 1 reflector.go:147] x',
    '{"level":"error","msg":"x"}',
    'connect ECONNREFUSED',
  ],
  medium: [
    'WARN queue is nearly full',
    '[warn] something odd',
    'retrying in 3 s',
    'request timed out',
    'slow query',
    'WARN got exception while serving',
  ],
  low: [
    'INFO parity error corrected',
    'server started',
    'done with 0 errors',
    'finished, error=null',
    'level=debug msg="failed"',
    'GET / HTTP/1.1" 404 0',
    '',
  ],
} as const

describe('rateSeverity', () => {
  for (const [severity, texts] of Object.entries(cases)) {
    for (const text of texts) {
      it(`rates “${text}” ${severity}`, () => {
        assert.equal(analyseText(text).severity, severity)
      })
    }
  }
})
