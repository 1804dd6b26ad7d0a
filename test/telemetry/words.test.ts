import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bytesInWords, countInWords, durationInWords } from '../../src/telemetry/words.js'

describe('figures in words', () => {
  it('parts thousands by commas, and rounds all but small fractions', () => {
    const counts = [0, 0.04, 9.87, 12.5, 999, 1000, 12_345.6, 1_234_567, 100_000_000]
    const words = ['0', '0', '9.9', '13', '999', '1,000', '12,346', '1,234,567', '100,000,000']
    assert.deepEqual(counts.map(countInWords), words)
    for (const count of counts.map(Math.round))
      assert.equal(countInWords(count), count.toLocaleString('en-US'))
  })

  it('chooses the unit of a duration and of a size', () => {
    assert.deepEqual([48.2, 2345, 720_000, 12_600_000].map(durationInWords), [
      '48 ms',
      '2.3 s',
      '12 min',
      '3.5 h',
    ])
    assert.deepEqual([512, 1536, 64 * 1_048_576].map(bytesInWords), ['512 B', '1.5 KiB', '64 MiB'])
  })
})
