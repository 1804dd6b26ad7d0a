import { cut } from './screen.mjs'

const steps = { blocks: ' ▁▂▃▄▅▆▇█', ascii: ' .:-=+*#@' }

/**
 * A bar that fills up, or where the end is not known, a block that goes to and fro.
 *
 * @param {{ done?: number, width: number, blocks: boolean, tick?: number }} options `done` from 0 to 1
 */
export function bar({ done, width, blocks, tick = 0 }) {
  const [full, empty] = blocks ? ['█', '░'] : ['#', '.']
  if (done !== undefined) {
    const filled = Math.round(Math.min(1, Math.max(0, done)) * width)
    return full.repeat(filled) + empty.repeat(width - filled)
  }
  const size = Math.max(1, Math.floor(width / 4))
  const room = Math.max(1, width - size)
  const at = Math.abs((tick % (2 * room)) - room)
  return empty.repeat(at) + full.repeat(size) + empty.repeat(width - size - at)
}

/**
 * One row of blocks whose heights are the values; whatever is not 0 is seen.
 *
 * @param {number[]} values @param {{ most: number, blocks: boolean }} options
 */
export function sparkline(values, { most, blocks }) {
  const marks = [...(blocks ? steps.blocks : steps.ascii)]
  const highest = marks.length - 1
  return values
    .map((value) => marks[value <= 0 ? 0 : Math.max(1, Math.round((value / Math.max(1, most)) * highest))])
    .join('')
}

/**
 * Values over time, a row for each series, all to the same scale. Neighbours are added up until a row fits.
 *
 * @param {{ series: Record<string, number[]>, from: string, to: string, width: number, blocks: boolean }} options
 *   `from` and `to`: what stands under the first and the last value
 * @returns {string[]}
 */
export function chart({ series, from, to, width, blocks }) {
  const names = Object.keys(series)
  const labelWidth = Math.min(14, Math.max(...names.map((name) => name.length)), Math.floor(width / 4))
  const countWidth = 7
  const room = Math.max(4, width - labelWidth - countWidth - 4)
  const length = Math.max(...Object.values(series).map((values) => values.length))
  const each = Math.ceil(length / room)
  const rows = names.map((name) => addNeighbours(series[name], each))
  const most = Math.max(...rows.flat())
  const lines = rows.map((values, at) => {
    const label = cut(names[at], labelWidth, blocks).padEnd(labelWidth)
    const total = series[names[at]].reduce((sum, value) => sum + value, 0)
    return `  ${label}  ${sparkline(values, { most, blocks })}${count(total).padStart(countWidth)}`
  })
  const columns = rows[0].length
  const gap = Math.max(1, columns - from.length - to.length)
  const axis = `  ${' '.repeat(labelWidth)}  ${from}${' '.repeat(gap)}${to}`
  return [...lines, axis].map((line) => cut(line, width, blocks))
}

function addNeighbours(values, each) {
  const sums = []
  for (let at = 0; at < values.length; at += each)
    sums.push(values.slice(at, at + each).reduce((sum, value) => sum + value, 0))
  return sums
}

/**
 * Names and counts with a bar each.
 *
 * @param {{ rows: { name: string, count: number, note?: string }[], width: number, blocks: boolean }} options
 * @returns {string[]}
 */
export function table({ rows, width, blocks }) {
  if (rows.length === 0) return ['  none']
  const longest = Math.max(...rows.map(({ name }) => [...name].length))
  const nameWidth = Math.min(longest, Math.max(8, Math.floor(width * 0.5)))
  const noteWidth = Math.max(...rows.map(({ note = '' }) => note.length))
  const barWidth = Math.min(24, width - nameWidth - noteWidth - 15)
  const most = Math.max(...rows.map((row) => row.count))
  return rows.map((row) => {
    const name = cut(row.name, nameWidth, blocks)
    const padded = name + ' '.repeat(nameWidth - [...name].length)
    const drawn = barWidth < 4 ? '' : `  ${bar({ done: row.count / most, width: barWidth, blocks })}`
    return cut(
      `  ${padded}${count(row.count).padStart(8)}${drawn}  ${row.note ?? ''}`.trimEnd(),
      width,
      blocks ? '…' : '~',
    )
  })
}

/** @param {number} number with thousands apart */
export function count(number) {
  return Math.round(number).toLocaleString('en-US')
}

/** An entity stands on one line even where that is somewhat longer than the terminal is wide. */
const flatWidth = 120

/**
 * A document as JSON that people read: what fits on a line stands on one.
 *
 * @param {unknown} value @param {number} width @param {string} [indent]
 */
export function formatDocument(value, width, indent = '') {
  const line = JSON.stringify(value)
  if (typeof value !== 'object' || value === null) return line
  const flat = Object.values(value).every((item) => typeof item !== 'object')
  if (indent.length + line.length <= (flat && indent !== '' ? Math.max(width, flatWidth) : width)) return line
  const deeper = `${indent}  `
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  const parts = Array.isArray(value)
    ? value.map((item) => formatDocument(item, width, deeper))
    : Object.entries(value).map(
        ([key, item]) => `${JSON.stringify(key)}: ${formatDocument(item, width, deeper)}`,
      )
  return `${open}\n${parts.map((part) => deeper + part).join(',\n')}\n${indent}${close}`
}
