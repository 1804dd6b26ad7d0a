import type { Row } from './bench.js'
import { median, spreadOf } from './statistics.js'

/** A run that can be compared with others. */
export interface ComparableRun {
  readonly subject: string
  readonly recordsPerSecond: number
  readonly cpuUsPerRecord: number
  readonly peakMiB: number
}

/** The medians of each subject's runs, with the spread of the two that are compared. */
export function rowsOf(runs: readonly ComparableRun[]): Row[] {
  const names = [...new Set(runs.map(({ subject }) => subject))]
  return names.map((name) => {
    const all = runs.filter(({ subject }) => subject === name)
    const rate = spreadOf(all.map(({ recordsPerSecond }) => recordsPerSecond))
    const cpu = spreadOf(all.map(({ cpuUsPerRecord }) => cpuUsPerRecord))
    return {
      name,
      figures: {
        'records/s': rate.median,
        'min ': rate.min,
        'max ': rate.max,
        'CPU µs/record': cpu.median,
        min: cpu.min,
        max: cpu.max,
        'peak MiB': Math.max(...all.map(({ peakMiB }) => peakMiB)),
      },
    }
  })
}

type Figure = 'recordsPerSecond' | 'cpuUsPerRecord'

/**
 * The median over the repetitions of one subject's figure by another's. Runs of one repetition are compared with each
 * other: they met the machine in about the same mood.
 */
export function ratioOf(
  runs: readonly ComparableRun[],
  figure: Figure,
  [over, under]: readonly [string, string],
): number {
  const of = (name: string) => runs.filter(({ subject }) => subject === name).map((run) => run[figure])
  const below = of(under)
  return median(of(over).map((value, at) => value / (below[at] ?? NaN)))
}
