import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chargedBytes } from '../../src/delivery/charged-bytes.js'

describe('what a record counts for in the bounds on memory', () => {
  it('is its size where it is small', () => {
    assert.equal(chargedBytes(0), 0)
    assert.equal(chargedBytes(65_535), 65_535)
  })

  it('is three times its size from 64 KiB on', () => {
    assert.equal(chargedBytes(65_536), 196_608)
    assert.equal(chargedBytes(1_000_000), 3_000_000)
  })
})
