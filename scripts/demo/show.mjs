import { bar, chart, count, formatDocument, table } from './charts.mjs'

/** @typedef {ReturnType<import('./screen.mjs').createScreen>} Screen */

/**
 * @param {Screen} screen
 * @param {import('./index-view.mjs').View} view
 * @param {import('./index-view.mjs').Span} span
 */
export function showView(screen, view, { fromMs, toMs }) {
  const { width, blocks } = screen
  screen.print(`\n  ${screen.paint('bold', 'by severity')}`)
  screen.print(table({ rows: view.severities, width, blocks }).join('\n'))
  screen.print(`\n  ${screen.paint('bold', 'most frequent entities')}`)
  screen.print(table({ rows: view.entities, width, blocks }).join('\n'))
  if (Object.keys(view.errors).length > 0) {
    screen.print(`\n  ${screen.paint('bold', 'high and critical, by service, over the hour')}`)
    const [from, to] = [clockTime(fromMs), clockTime(toMs)]
    screen.print(chart({ series: view.errors, from, to, width, blocks }).join('\n'))
  }
  if (view.documents.length > 0) screen.print(`\n  ${screen.paint('bold', 'two of the documents, whole')}`)
  for (const document of view.documents) screen.print(formatDocument(document, width))
}

function clockTime(ms) {
  const time = new Date(ms)
  return [time.getHours(), time.getMinutes()].map((part) => String(part).padStart(2, '0')).join(':')
}

/**
 * One line about work under way.
 *
 * @param {{ done: number, total: number, behind: string, width: number, blocks: boolean }} options
 */
export function workLine({ done, total, behind, width, blocks }) {
  const numbers = `${count(done)} of ${count(total)}`
  const barWidth = Math.min(24, Math.floor(width / 4))
  return `  ${bar({ done: done / total, width: barWidth, blocks })} ${numbers}${behind ? `, ${behind}` : ''}`
}

/**
 * One line about work that may take any time.
 *
 * @param {{ what: string, begun: number, width: number, blocks: boolean }} options `begun`: by `performance.now()`
 */
export function waitLine({ what, begun, width, blocks }) {
  const seconds = Math.floor((performance.now() - begun) / 1000)
  const barWidth = Math.min(12, Math.floor(width / 6))
  const tick = Math.floor((performance.now() - begun) / 100)
  return `  ${bar({ width: barWidth, blocks, tick })} ${seconds} s, ${what}`
}
