import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { EndToEndRun } from './scenarios/end-to-end.js'
import type { CellRun } from './scenarios/latency.js'
import type { ScenarioResult } from './support/bench.js'
import { percentilesChart, throughputChart } from './support/charts.js'
import { checkText, tableOf, type Machine } from './support/report.js'

const usage = `npm run bench:docs [-- RESULTS.json…]

  Puts results of \`npm run bench\` and \`npm run bench:peers\` (default: .bench/results.json) into docs/performance.md, between
  the marks of each scenario, and draws its pictures. Scenarios that the results do not hold stay as they are.
`
const page = 'docs/performance.md'

interface Results {
  readonly machine: Machine
  readonly results: Readonly<Record<string, ScenarioResult>>
}

/** What stands between two marks. */
function sectionOf({ at, node, cpus, cpuModel = '', memoryGiB }: Machine, result: ScenarioResult): string {
  const loads = result.runs.map((run) => (run as { load?: number }).load).filter((load) => load !== undefined)
  const load =
    loads.length === 0 ? '' : `, load ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}`
  const machine = `${at.slice(0, 10)}, Node ${node}, ${cpus} × ${cpuModel.trim()}, ${memoryGiB} GiB${load}:`
  const checks = result.checks.map((check) => `- ${checkText(check)}`)
  return [machine, '', tableOf(result.rows), '', ...checks].join('\n')
}

function drawPictures(results: Results['results']): void {
  mkdirSync('docs/images', { recursive: true })
  const { latency, 'end-to-end': endToEnd } = results
  if (latency) writeFileSync('docs/images/throughput.svg', throughputChart(latency.runs as CellRun[]))
  if (endToEnd) writeFileSync('docs/images/end-to-end.svg', percentilesChart(endToEnd.runs as EndToEndRun[]))
}

function update(file: string): void {
  const { machine, results } = JSON.parse(readFileSync(file, 'utf8')) as Results
  let text = readFileSync(page, 'utf8')
  for (const [name, result] of Object.entries(results)) {
    const marks = new RegExp(`(<!-- bench ${name} -->\\n)[^]*?(<!-- end -->)`)
    if (!marks.test(text)) throw new Error(`${page} has no marks for ${name}`)
    text = text.replace(
      marks,
      (_all, begin: string, end: string) => `${begin}${sectionOf(machine, result)}\n${end}`,
    )
  }
  writeFileSync(page, text)
  drawPictures(results)
}

const files = process.argv.slice(2)
if (files.includes('--help')) process.stderr.write(usage)
else for (const file of files.length > 0 ? files : ['.bench/results.json']) update(file)
