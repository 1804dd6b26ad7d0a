import type { BenchStack } from './bench-stack.js'
import type { NlpStub } from './nlp-stub.js'

/** What a scenario works with. */
export interface Bench {
  readonly stack: BenchStack
  readonly nlp: NlpStub
  /** Less of everything: to see that it works, not to publish. */
  readonly quick: boolean
  /** Interleaved repetitions of everything that is compared. */
  readonly repetitions: number
  /** Where processes log to. */
  readonly directory: string
  tell(line: string): void
}

/** One line of a scenario's table: what was measured, and its figures by name. */
export interface Row {
  readonly name: string
  readonly figures: Readonly<Record<string, number>>
}

/** A bound that a figure is held against: always a ratio, or an absolute bound of the issue. */
export interface Check {
  readonly what: string
  readonly value: number
  readonly atMost?: number
  readonly atLeast?: number
}

export interface ScenarioResult {
  readonly rows: readonly Row[]
  readonly checks: readonly Check[]
  /** Every single measurement, for whoever wants the spread. */
  readonly runs: readonly unknown[]
}

export interface Scenario {
  readonly title: string
  run(bench: Bench): Promise<ScenarioResult>
}

export function holds({ value, atMost = Infinity, atLeast = -Infinity }: Check): boolean {
  return value >= atLeast && value <= atMost
}
