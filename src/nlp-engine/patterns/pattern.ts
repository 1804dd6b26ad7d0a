import type { EntityType, Span } from '../analysis.js'

/**
 * One way to find one type of entity.
 *
 * Every expression takes time linear in the text, whatever the text is: each repetition has an upper bound or ends in a
 * character that it cannot contain itself, and no repetition stands in another without such a character between.
 * `test/nlp-engine/adversarial.test.ts` tries each against 16 kB of what it likes least.
 */
export interface Pattern {
  readonly type: EntityType
  /** Global. With two groups, the first is what stands before the entity and the second the entity; with none, all of it is. */
  readonly expression: RegExp
  /** Text without one of these cannot match: a cheap test that saves running the expression. */
  readonly needs?: readonly string[]
  /** Has the last word on a candidate. Default: every candidate is an entity. */
  readonly accepts?: (candidate: string) => boolean
  /** Characters at the candidate's end that belong to the sentence, not to the entity. */
  readonly trailing?: RegExp
}

/** Every span of `text` that the pattern finds, in order. */
export function* matchesOf(pattern: Pattern, text: string): Generator<Span> {
  const { type, expression, needs, accepts, trailing } = pattern
  if (needs !== undefined && !needs.some((part) => text.includes(part))) return
  for (const match of text.matchAll(expression)) {
    const found = match[2] ?? match[0]
    const start = match.index + (match[2] === undefined ? 0 : (match[1]?.length ?? 0))
    const candidate = trailing === undefined ? found : found.replace(trailing, '')
    if (candidate === '' || accepts?.(candidate) === false) continue
    yield { type, start, end: start + candidate.length }
  }
}
