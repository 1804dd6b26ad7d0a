import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Severity } from '../../src/delivery/log-record.js'
import { severityOfLevel } from '../../src/enrich/severity-of-level.js'

const table: Readonly<Record<Severity, readonly (string | number | undefined)[]>> = {
  low: [
    undefined,
    '',
    'trace',
    'DEBUG',
    'Info',
    'notice',
    'banana',
    'I',
    10,
    20,
    30,
    '30',
    5,
    6,
    7,
    8,
    -1,
    Number.NaN,
  ],
  medium: ['warn', 'WARNING', ' Warn ', 'W', 40, '40', 4],
  high: ['error', 'ERR', 'SEVERE', 'E', 50, 55, 3, '3'],
  critical: ['fatal', 'CRITICAL', 'crit', 'alert', 'emerg', 'panic', 'F', 60, 100, 0, 1, 2],
}

void it('a level stands for a severity, by name in any case and by number; what is unknown is low', () => {
  for (const [severity, levels] of Object.entries(table)) {
    for (const level of levels) assert.equal(severityOfLevel(level), severity, String(level))
  }
})
