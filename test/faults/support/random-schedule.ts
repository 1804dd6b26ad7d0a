/** What a fault strikes. Two faults at once never strike the same: the end of one would end the other. */
export const targets = ['nlp', 'elasticsearch', 'kafka', 'daemon'] as const
export type Target = (typeof targets)[number]

export interface PlannedFault {
  readonly target: Target
  readonly name: string
  /** After the beginning of the schedule. */
  readonly atMs: number
  readonly forMs: number
}

export const scheduleMs = 30_000
const minForMs = 1000
const maxForMs = 10_000
const minFaults = 2
const maxFaults = 6

/**
 * Two to six faults of 1 to 10 s within 30 s, ordered by their beginnings; those of different targets may overlap.
 *
 * @param random numbers in [0, 1); the same numbers make the same schedule
 * @param names of the faults, by target
 */
export function randomSchedule(
  random: () => number,
  names: Readonly<Record<Target, readonly string[]>>,
): PlannedFault[] {
  const count = minFaults + Math.floor(random() * (maxFaults - minFaults + 1))
  const planned: PlannedFault[] = []
  for (let tries = 0; planned.length < count && tries < 10 * count; tries++) {
    const target = pick(random, targets)
    const name = pick(random, names[target])
    const forMs = Math.round(minForMs + random() * (maxForMs - minForMs))
    const atMs = Math.round(random() * (scheduleMs - forMs))
    if (!planned.some((other) => other.target === target && overlaps(other, { atMs, forMs })))
      planned.push({ target, name, atMs, forMs })
  }
  return planned.toSorted((a, b) => a.atMs - b.atMs)
}

type Span = Pick<PlannedFault, 'atMs' | 'forMs'>

function overlaps(a: Span, b: Span): boolean {
  return a.atMs < b.atMs + b.forMs && b.atMs < a.atMs + a.forMs
}

function pick<T>(random: () => number, from: readonly T[]): T {
  const chosen = from[Math.floor(random() * from.length)]
  if (chosen === undefined) throw new RangeError('there is nothing to choose from')
  return chosen
}
