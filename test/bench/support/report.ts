import { cpus, loadavg, totalmem } from 'node:os'
import { holds, type Check, type Row, type ScenarioResult } from './bench.js'

/** A table of rows that share their columns, as Markdown. */
export function tableOf(rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap(({ figures }) => Object.keys(figures)))]
  const cells = rows.map(({ name, figures }) => [
    name,
    ...columns.map((column) => numberText(figures[column])),
  ])
  const head = ['', ...columns.map((column) => column.trim())]
  const widths = head.map((_, at) => Math.max(3, ...[head, ...cells].map((line) => line[at]?.length ?? 0)))
  const lineOf = (line: readonly string[]) =>
    `| ${line.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join(' | ')} |`
  const rule = `|${widths.map((width, at) => '-'.repeat(width + 1) + (at === 0 ? '-' : ':')).join('|')}|`
  return [lineOf(head), rule, ...cells.map(lineOf)].join('\n')
}

function numberText(value: number | undefined): string {
  if (value === undefined) return ''
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 3
  return value.toLocaleString('en-GB', { maximumFractionDigits: digits })
}

export function checkText(check: Check): string {
  const { what, value, atMost, atLeast } = check
  const bound = atMost === undefined ? `at least ${atLeast ?? ''}` : `at most ${atMost}`
  return `${holds(check) ? 'holds ' : 'MISSED'}  ${what}: ${numberText(value)} (${bound})`
}

export type Machine = ReturnType<typeof machine>

/** The machine and its state, without which figures mean nothing. */
export function machine() {
  return {
    at: new Date().toISOString(),
    node: process.version,
    cpus: cpus().length,
    cpuModel: cpus()[0]?.model,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    load: loadavg(),
  }
}

export function reportText(title: string, { rows, checks }: ScenarioResult): string {
  return [`\n${title}\n`, tableOf(rows), '', ...checks.map(checkText)].join('\n')
}
