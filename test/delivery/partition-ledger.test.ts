import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { PartitionLedger } from '../../src/delivery/partition-ledger.js'

/** Offsets with gaps, and the order in which they are settled. */
const schedule = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 200 }).chain((steps) => {
  let offset = 0
  const offsets = steps.map((step) => (offset += step))
  return fc.record({
    offsets: fc.constant(offsets),
    order: fc.shuffledSubarray(offsets, { minLength: 0, maxLength: offsets.length }),
  })
})

describe('PartitionLedger', () => {
  it('never commits past an unsettled offset, and always as far as the settled prefix goes', () => {
    fc.assert(
      fc.property(schedule, ({ offsets, order }) => {
        const ledger = new PartitionLedger()
        for (const offset of offsets) ledger.track(offset)
        const settled = new Set<number>()
        for (const offset of order) {
          ledger.settle(offset)
          settled.add(offset)
          const firstUnsettled = offsets.find((each) => !settled.has(each))
          assert.equal(ledger.committable, firstUnsettled ?? offsets.at(-1)! + 1)
          assert.equal(ledger.unsettled, offsets.length - settled.size)
        }
      }),
    )
  })

  it('tells the settled offsets beyond the committable one as ranges that hold them all and no unsettled one', () => {
    fc.assert(
      fc.property(schedule, ({ offsets, order }) => {
        const ledger = new PartitionLedger()
        for (const offset of offsets) ledger.track(offset)
        for (const offset of order) ledger.settle(offset)
        const ranges = ledger.settledBeyond()
        const within = (offset: number) => ranges.some(([from, to]) => from <= offset && offset < to)
        for (const offset of offsets) {
          if (offset < (ledger.committable ?? 0)) continue
          assert.equal(within(offset), order.includes(offset), `offset ${offset}`)
        }
      }),
    )
  })

  it('commits the end of a fetch once everything in it is settled, also where the end holds no record', () => {
    const ledger = new PartitionLedger()
    ledger.track(5)
    ledger.advance(9)
    assert.equal(ledger.committable, 5)
    ledger.settle(5)
    assert.equal(ledger.committable, 9)
  })

  it('knows nothing to commit before it has seen an offset', () => {
    assert.equal(new PartitionLedger().committable, undefined)
  })

  it('refuses to settle twice, to settle the unknown, and to hand an offset out twice', () => {
    const ledger = new PartitionLedger()
    ledger.track(1)
    ledger.track(2)
    ledger.settle(2)
    assert.throws(() => {
      ledger.settle(2)
    }, RangeError)
    assert.throws(() => {
      ledger.settle(7)
    }, RangeError)
    assert.throws(() => {
      ledger.track(2)
    }, RangeError)
  })

  it('keeps its memory to the span, whatever has passed through', () => {
    const ledger = new PartitionLedger()
    for (let offset = 0; offset < 100_000; offset++) {
      ledger.track(offset)
      if (offset >= 10) ledger.settle(offset - 10)
    }
    assert.equal(ledger.span, 10)
    assert.equal(ledger.committable, 99_990)
  })
})
