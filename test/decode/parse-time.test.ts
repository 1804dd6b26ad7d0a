import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { parseTime } from '../../src/decode/parse-time.js'
import { loghubPath, needsLoghub } from '../support/loghub.js'

const reference = Date.UTC(2024, 0, 15)
const iso = (value: string | number, referenceMs = reference): string | undefined => {
  const timeMs = parseTime(value, referenceMs)
  return timeMs === undefined ? undefined : new Date(timeMs).toISOString()
}

const understood: readonly (readonly [string | number, string])[] = [
  ['2024-05-12T10:11:12.123Z', '2024-05-12T10:11:12.123Z'],
  ['2024-05-12T10:11:12Z', '2024-05-12T10:11:12.000Z'],
  ['2024-05-12T10:11:12.123456789Z', '2024-05-12T10:11:12.123Z'],
  ['2024-05-12T10:11:12.9999Z', '2024-05-12T10:11:12.999Z'],
  ['2024-05-12T10:11:12+02:00', '2024-05-12T08:11:12.000Z'],
  ['2024-05-12T10:11:12.5-0530', '2024-05-12T15:41:12.500Z'],
  ['2024-05-12T10:11:12+02', '2024-05-12T08:11:12.000Z'],
  ['2024-05-12t10:11:12z', '2024-05-12T10:11:12.000Z'],
  ['2024-05-12T10:11:12', '2024-05-12T10:11:12.000Z'],
  ['2024-05-12T10:11', '2024-05-12T10:11:00.000Z'],
  ['2024-05-12', '2024-05-12T00:00:00.000Z'],
  ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
  ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
  ['20240512T101112Z', '2024-05-12T10:11:12.000Z'],
  [' 2024-05-12T10:11:12Z\n', '2024-05-12T10:11:12.000Z'],
  ['2024-05-12 10:11:12 UTC', '2024-05-12T10:11:12.000Z'],
  ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00.000Z'],
  ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  // numbers by size
  [1_715_508_672, '2024-05-12T10:11:12.000Z'],
  [1_715_508_672.123, '2024-05-12T10:11:12.123Z'],
  [1_715_508_672_123, '2024-05-12T10:11:12.123Z'],
  [1_715_508_672_123_456, '2024-05-12T10:11:12.123Z'],
  [1_715_508_672_123_456_000, '2024-05-12T10:11:12.123Z'],
  ['1715508672', '2024-05-12T10:11:12.000Z'],
  ['1715508672.5', '2024-05-12T10:11:12.500Z'],
  ['1715508672123', '2024-05-12T10:11:12.123Z'],
  ['1715508672123456789', '2024-05-12T10:11:12.123Z'],
  // as text lines carry them
  ['081109 203615', '2008-11-09T20:36:15.000Z'],
  ['2005-06-03-15.42.50.675872', '2005-06-03T15:42:50.675Z'],
  ['2005.06.03', '2005-06-03T00:00:00.000Z'],
  ['17/06/09 20:10:40', '2017-06-09T20:10:40.000Z'],
  ['2015-07-29 17:41:44,747', '2015-07-29T17:41:44.747Z'],
  ['2017-05-16 00:00:00.008', '2017-05-16T00:00:00.008Z'],
  ['2024/05/12 10:11:12', '2024-05-12T10:11:12.000Z'],
  ['10/Oct/2000:13:55:36 -0700', '2000-10-10T20:55:36.000Z'],
  ['[10/Oct/2000:13:55:36 +0000]', '2000-10-10T13:55:36.000Z'],
  ['Tue, 10 Oct 2000 13:55:36 GMT', '2000-10-10T13:55:36.000Z'],
  ['Tue Oct 10 13:55:36 2000', '2000-10-10T13:55:36.000Z'],
  // without a year
  ['Dec 10 06:55:46', '2023-12-10T06:55:46.000Z'],
  ['Jan  3 06:55:46', '2024-01-03T06:55:46.000Z'],
  ['Feb 29 12:00:00', '2024-02-29T12:00:00.000Z'],
]

const refused: readonly unknown[] = [
  ...['', 'yesterday', 'null', '-', '12', '0.247', '12:30:01', '20240512', '2024-05-12T10:11:12 PST'],
  ...['0000-01-01T00:00:00Z', '0001-01-01T00:00:00Z', '99999-01-01T00:00:00Z', '+099999-01-01T00:00:00Z'],
  ...['1969-12-31T23:59:59Z', '2024-13-01T00:00:00Z', '2024-00-10T00:00:00Z', '2024-02-30T00:00:00Z'],
  ...['2024-05-00T00:00:00Z', '2023-02-29T00:00:00Z', '2024-05-12T25:00:00Z', '2024-05-12T10:61:00Z'],
  ...['2024-05-12T10:11:12+25:00', 'Feb 30 10:00:00', '99/Oct/2000:13:55:36 -0700', '2'.repeat(1_000_000)],
  ...[0, 1, 0.247, -1, -1_715_508_672, 5e10, 1e19, 1e300, Number.NaN, Infinity, -Infinity],
  ...[null, undefined, true, {}, [], ['2024-05-12T10:11:12Z']],
]

void describe('the time of a record', () => {
  for (const [value, expected] of understood) {
    void it(`takes ${JSON.stringify(value)} for ${expected}`, () => {
      assert.equal(iso(value), expected)
    })
  }

  void it('takes nothing that is no time between 1970 and 9999', () => {
    for (const value of refused) {
      assert.equal(parseTime(value as string, reference), undefined, inspect(value).slice(0, 60))
    }
  })

  void it('takes the year that puts a date without one nearest to the Kafka timestamp, for any of them', () => {
    const halfAYearMs = 184 * 86_400_000
    fc.assert(
      fc.property(
        fc.date({ min: new Date('1972-01-01'), max: new Date('2090-01-01'), noInvalidDate: true }),
        fc.integer({ min: -180, max: 180 }),
        (written, days) => {
          const text = written.toUTCString() // Tue, 10 Oct 2000 13:55:36 GMT
          const [, day = '', month = '', , clock = ''] = text.split(' ')
          const referenceMs = written.getTime() + days * 86_400_000
          const timeMs = parseTime(`${month} ${String(Number(day)).padStart(2)} ${clock}`, referenceMs)
          if (day === '29' && month === 'Feb') return true
          return (
            timeMs === Math.floor(written.getTime() / 1000) * 1000 &&
            Math.abs(timeMs - referenceMs) <= halfAYearMs
          )
        },
      ),
    )
  })

  void it('reads what toISOString writes, in every zone and precision', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 253_402_300_799_999 }),
        fc.integer({ min: -23 * 60, max: 23 * 60 }),
        (timeMs, zoneMinutes) => {
          const local = new Date(timeMs + zoneMinutes * 60_000)
          if (local.getTime() < 0 || local.getUTCFullYear() > 9999) return true
          const hours = String(Math.trunc(Math.abs(zoneMinutes) / 60)).padStart(2, '0')
          const minutes = String(Math.abs(zoneMinutes) % 60).padStart(2, '0')
          const zone = `${zoneMinutes < 0 ? '-' : '+'}${hours}:${minutes}`
          const stem = local.toISOString().slice(0, -1)
          return [`${stem}${zone}`, `${stem}999${zone}`, stem.replace('T', ' ') + zone].every(
            (text) => parseTime(text, reference) === timeMs,
          )
        },
      ),
    )
  })

  void it('never throws, and gives undefined or a time within bounds, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.double()), fc.double(), (value, referenceMs) => {
        const timeMs = parseTime(value, referenceMs)
        return timeMs === undefined || (Number.isInteger(timeMs) && timeMs >= 0)
      }),
    )
  })
})

/** Where each of the loghub logs has its time, by position of its words. */
const loghubTimes: readonly (readonly [string, (words: string[]) => string[], number])[] = [
  ['BGL', (words) => [words[1] ?? '', words[4] ?? ''], 2005],
  ['HDFS', (words) => [words.slice(0, 2).join(' ')], 2008],
  ['OpenSSH', (words) => [words.slice(0, 3).join(' ')], 2023],
  ['OpenStack', (words) => [words.slice(1, 3).join(' ')], 2017],
  ['Spark', (words) => [words.slice(0, 2).join(' ')], 2017],
  ['Zookeeper', (words) => [words.slice(0, 2).join(' ')], 2015],
]

void describe('the times that loghub lines carry', () => {
  for (const [name, timesOf, firstYear] of loghubTimes) {
    void it(`are all understood in ${name}`, needsLoghub, () => {
      const lines = readFileSync(join(loghubPath, `${name}.log`), 'utf8').split(/\r?\n/)
      for (const line of lines.filter((text) => text !== '')) {
        for (const text of timesOf(line.split(/\s+/))) {
          const year = Number(iso(text)?.slice(0, 4))
          assert.ok(year >= firstYear && year <= firstYear + 1, `${text} in ${name}`)
        }
      }
    })
  }
})
