import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { isoTime } from '../../src/enrich/iso-time.js'

const latestMs = 253_402_300_799_999

it('writes every whole millisecond from 1970 to 9999 as Date does, whichever day was written before', () => {
  const day = 86_400_000
  for (const timeMs of [
    0,
    1,
    day - 1,
    day,
    0,
    951_782_400_000,
    951_868_799_999,
    latestMs,
    latestMs - day,
    999,
  ])
    assert.equal(isoTime(timeMs), new Date(timeMs).toISOString())
  fc.assert(
    fc.property(fc.integer({ min: 0, max: latestMs }), (timeMs) => {
      assert.equal(isoTime(timeMs), new Date(timeMs).toISOString())
    }),
  )
})
