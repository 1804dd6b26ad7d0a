import type { Analysis, Entity, Span } from './analysis.js'
import { findPatterns, withoutOverlaps } from './find-patterns.js'
import { findProse } from './find-prose.js'
import { rateSeverity } from './rate-severity.js'

/** Finds more spans in a text in which what was already found is blanked out. */
export type Finder = (text: string) => readonly Span[]

/** Longer runs without a blank are no prose, and wink takes time out of proportion on them. */
const longRun = /\S{65,}/g
/** As much of a text as is read as prose, in UTF-16 units; the patterns read all of it. */
const maxProseLength = 32_768

/**
 * What is in one text, and how much it matters. Entities are sorted and never overlap: our own patterns come first, then what
 * wink finds in the rest, then what `finders` find. Takes time linear in the text.
 */
export function analyseText(text: string, finders: readonly Finder[] = []): Analysis {
  const spans = findPatterns(text)
  for (const find of [findProse, ...finders]) {
    const rest = blankedOut(text, spans)
    const candidates = find(rest).filter((span) => isOfTheRest(rest, span))
    for (const span of withoutOverlaps(candidates, text.length)) spans.push(span)
    spans.sort((a, b) => a.start - b.start)
  }
  const entities = spans.map((span) => toEntity(text, span))
  return { entities, severity: rateSeverity(text, entities) }
}

function toEntity(text: string, { type, start, end }: Span): Entity {
  return { text: text.slice(start, end), type, start, end }
}

/** The text at its full length up to `maxProseLength`, with blanks for what is found already and for long runs. */
function blankedOut(text: string, spans: readonly Span[]): string {
  let rest = ''
  let position = 0
  for (const { start, end } of spans) {
    rest += text.slice(position, start) + '\t'.repeat(end - start)
    position = end
  }
  rest += text.slice(position)
  return rest.slice(0, maxProseLength).replace(longRun, (run) => '\t'.repeat(run.length))
}

/** Within bounds, not blank at its ends, and not across something that was blanked out. */
function isOfTheRest(rest: string, { start, end }: Span): boolean {
  const found = rest.slice(start, end)
  return (
    start >= 0 &&
    start < end &&
    found.length === end - start &&
    found.trim() === found &&
    !found.includes('\t')
  )
}
