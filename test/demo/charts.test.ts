import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { charts } from './modules.js'

const look = fc.record({ width: fc.integer({ min: 20, max: 200 }), blocks: fc.boolean() })
const name = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 40 })
const lengthOf = (line: string): number => Array.from(line).length

describe('the charts of the demo', () => {
  test('a bar is as wide as asked for, with or without an end in sight', () => {
    const done = fc.option(fc.double({ min: -1, max: 2, noNaN: true }), { nil: undefined })
    fc.assert(
      fc.property(look, done, fc.nat(), ({ width, blocks }, share, tick) => {
        const options = share === undefined ? {} : { done: share }
        assert.equal(lengthOf(charts.bar({ ...options, tick, width, blocks })), width)
      }),
    )
    assert.equal(charts.bar({ done: 0.5, width: 4, blocks: false }), '##..')
  })

  test('no row of a table or a chart is wider than the terminal', () => {
    const series = fc.dictionary(name, fc.array(fc.nat(9999), { minLength: 60, maxLength: 60 }), {
      minKeys: 1,
    })
    fc.assert(
      fc.property(look, series, (wanted, values) => {
        const lines = charts.chart({ series: values, from: '09:00', to: '10:00', ...wanted })
        for (const line of lines) assert.ok(lengthOf(line) <= wanted.width, line)
      }),
    )
    const rows = fc.array(fc.record({ name, count: fc.nat(99_999), note: fc.constantFrom('', 'host') }))
    fc.assert(
      fc.property(look, rows, (wanted, list) => {
        for (const line of charts.table({ rows: list, ...wanted })) assert.ok(lengthOf(line) <= wanted.width)
      }),
    )
  })

  test('a value that is not 0 is always seen, and the highest is the highest mark', () => {
    const line = charts.sparkline([0, 1, 500, 1000], { most: 1000, blocks: true })
    assert.equal(line, ' ▁▄█')
    assert.equal(charts.sparkline([0, 1, 1000], { most: 1000, blocks: false }), ' .@')
    assert.equal(charts.sparkline([0, 0], { most: 0, blocks: true }), '  ')
  })

  test('a chart that does not fit adds neighbours up, and its totals stay the same', () => {
    const series = { orders: Array.from({ length: 60 }, () => 2) }
    for (const width of [24, 40, 80, 120]) {
      const [row] = charts.chart({ series, from: 'a', to: 'b', width, blocks: true })
      assert.match(row ?? '', / 120$/)
    }
  })

  test('a document is printed as JSON that can be read back', () => {
    fc.assert(
      fc.property(fc.object(), fc.integer({ min: 20, max: 200 }), (value, width) => {
        const json: unknown = JSON.parse(JSON.stringify(value))
        assert.deepEqual(JSON.parse(charts.formatDocument(json, width)), json)
      }),
    )
  })
})
