import { init, type EChartsOption } from 'echarts'
import type { EndToEndRun } from '../scenarios/end-to-end.js'
import type { CellRun } from '../scenarios/latency.js'
import { median } from './statistics.js'

const size = { width: 760, height: 420 }

/** Calls a second against C, one line for each latency, with that of bare calls as the bound. */
export function throughputChart(runs: readonly CellRun[]): string {
  const even = runs.filter(({ variant }) => variant === 'even')
  const latencies = [...new Set(even.map(({ latencyMs }) => latencyMs))].toSorted((a, b) => a - b)
  const lineOf = (latencyMs: number, subject: CellRun['subject']) => {
    const own = even.filter((run) => run.latencyMs === latencyMs && run.subject === subject)
    const counts = [...new Set(own.map(({ concurrency }) => concurrency))].toSorted((a, b) => a - b)
    return counts.map((count) => [
      count,
      median(own.filter(({ concurrency }) => concurrency === count).map((run) => run.callsPerSecond)),
    ])
  }
  return svg({
    ...look('Calls per second against C (dashed: bare calls)'),
    xAxis: { type: 'log', name: 'C', logBase: 2, min: 4 },
    yAxis: { type: 'log', name: 'calls/s' },
    series: latencies.flatMap((latencyMs, at) => [
      {
        type: 'line',
        name: `L = ${latencyMs} ms`,
        data: lineOf(latencyMs, 'enrichd'),
        color: colours[at] ?? '#000',
      },
      {
        ...{ type: 'line', name: `bare, ${latencyMs} ms`, data: lineOf(latencyMs, 'bare calls') },
        ...{ color: colours[at] ?? '#000', lineStyle: { type: 'dashed' }, symbol: 'none' },
      },
    ]),
  })
}

/** Percentiles of the end-to-end latency by `flushIntervalMs`, with the bound of the 99th. */
export function percentilesChart(runs: readonly EndToEndRun[]): string {
  const figures = {
    p50: (run: EndToEndRun) => run.p50Ms,
    p95: (run: EndToEndRun) => run.p95Ms,
    p99: (run: EndToEndRun) => run.p99Ms,
    'bound of p99': (run: EndToEndRun) => run.boundMs,
  }
  return svg({
    ...look('End-to-end latency at half load, ms'),
    xAxis: { type: 'category', data: runs.map((run) => `flushIntervalMs ${run.flushIntervalMs}`) },
    yAxis: { type: 'value', name: 'ms' },
    series: Object.entries(figures).map(([name, figure]) => ({
      type: 'bar',
      name,
      data: runs.map((run) => Math.round(figure(run))),
    })),
  })
}

const colours = ['#3569b5', '#c2532d', '#3c8a4e', '#7b4fa3']

function look(title: string): EChartsOption {
  return {
    animation: false,
    backgroundColor: '#ffffff',
    color: colours,
    title: { text: title, left: 'center', textStyle: { fontSize: 15 } },
    legend: { bottom: 0 },
    grid: { left: 70, right: 40, top: 50, bottom: 70 },
  }
}

function svg(option: EChartsOption): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...size })
  chart.setOption(option)
  const drawn = chart.renderToSVGString()
  chart.dispose()
  return `${drawn}\n`
}
