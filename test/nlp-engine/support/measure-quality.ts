import { readFileSync } from 'node:fs'
import { analyseText } from '../../../src/nlp-engine/analyse-text.js'
import { entityTypes, type Entity } from '../../../src/nlp-engine/analysis.js'

export interface LabelledLine {
  /** `loghub`: drawn from there. `own`: written for this sample, in the forms of other systems. */
  readonly from: 'loghub' | 'own'
  readonly text: string
  readonly entities: readonly Entity[]
}

export const labelledLines = JSON.parse(
  readFileSync(new URL('../golden/labelled.json', import.meta.url), 'utf8'),
) as LabelledLine[]

/** Found and labelled, found but not labelled, labelled but not found. An entity counts only with its exact type, start and end. */
interface Counts {
  right: number
  extra: number
  missed: number
}

/** Precision and recall by type over the labelled lines, as the Markdown table that docs/nlp-engine.md carries. */
export function qualityTable(): string {
  const counts = new Map<string, Counts>(entityTypes.map((type) => [type, { right: 0, extra: 0, missed: 0 }]))
  const all: Counts = { right: 0, extra: 0, missed: 0 }
  const count = (type: string, outcome: keyof Counts): void => {
    counts.get(type)![outcome]++
    all[outcome]++
  }
  for (const { text, entities } of labelledLines) {
    const labelled = new Set(entities.map(keyOf))
    const found = new Set<string>()
    for (const entity of analyseText(text).entities) {
      found.add(keyOf(entity))
      count(entity.type, labelled.has(keyOf(entity)) ? 'right' : 'extra')
    }
    for (const entity of entities) if (!found.has(keyOf(entity))) count(entity.type, 'missed')
  }
  const rows = [...counts].filter(([, { right, extra, missed }]) => right + extra + missed > 0)
  return [
    '| type | labelled | found | precision | recall |',
    '|---|---:|---:|---:|---:|',
    ...[...rows, ['all', all] as const].map(([type, it]) => rowOf(type, it)),
  ].join('\n')
}

function rowOf(type: string, { right, extra, missed }: Counts): string {
  const ratio = (part: number, whole: number): string => (whole === 0 ? '–' : (part / whole).toFixed(2))
  const [labelled, found] = [right + missed, right + extra]
  return `| ${type} | ${labelled} | ${found} | ${ratio(right, found)} | ${ratio(right, labelled)} |`
}

const keyOf = ({ type, start, end }: Entity): string => `${type} ${start} ${end}`
