import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  decodeSettledRanges,
  encodeSettledRanges,
  type OffsetRange,
} from '../../src/delivery/settled-ranges.js'

const rangesBeyond = fc
  .record({
    committed: fc.integer({ min: 0, max: 2 ** 40 }),
    steps: fc.array(fc.tuple(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 1, max: 1e6 })), {
      maxLength: 50,
    }),
  })
  .map(({ committed, steps }) => {
    let end = committed
    const ranges = steps.map(([gap, length]): OffsetRange => {
      const from = end + gap
      end = from + length
      return [from, end]
    })
    return { committed, ranges }
  })

describe('settled ranges in the metadata of a commit', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(rangesBeyond, ({ committed, ranges }) => {
        assert.deepEqual(decodeSettledRanges(committed, encodeSettledRanges(committed, ranges, 4096)), ranges)
      }),
    )
  })

  it('never grow beyond the bound, and lose only the far end', () => {
    fc.assert(
      fc.property(rangesBeyond, fc.integer({ min: 0, max: 100 }), ({ committed, ranges }, maxBytes) => {
        const text = encodeSettledRanges(committed, ranges, maxBytes)
        assert.ok(Buffer.byteLength(text) <= maxBytes)
        const back = decodeSettledRanges(committed, text)
        assert.deepEqual(back, ranges.slice(0, back.length))
      }),
    )
  })

  it('are none where the metadata is not ours, cut short or damaged, and decoding never throws', () => {
    for (const metadata of [null, undefined, '', 'something else', 'e1:', 'e1:gA', 'e1:AQ']) {
      assert.deepEqual(decodeSettledRanges(7, metadata), [])
    }
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const [from, to] of decodeSettledRanges(0, `e1:${text}`)) assert.ok(from < to && from >= 0)
      }),
    )
  })
})
