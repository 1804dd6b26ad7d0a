import type { Span } from './analysis.js'
import { failurePatterns } from './patterns/failures.js'
import { identifierPatterns } from './patterns/identifiers.js'
import { measurePatterns } from './patterns/measures.js'
import { isPort, networkPatterns } from './patterns/network.js'
import { pathPatterns } from './patterns/paths.js'
import { matchesOf, type Pattern } from './patterns/pattern.js'

/** In the order in which they win where two find the same characters. */
export const patterns: readonly Pattern[] = [
  ...networkPatterns,
  ...pathPatterns,
  ...failurePatterns,
  ...measurePatterns,
  ...identifierPatterns,
]

/** A port behind an address or a host: `10.0.0.1:80`, `[::1]:80`, and PostgreSQL's `10.0.0.1(80)`. */
const portBehind = /(?:\]?:|\()(\d{1,5})(?![\w.])/y

/** What the patterns find in `text`: sorted, without overlaps; of two that overlap the longer stays, of equals the earlier in `patterns`. */
export function findPatterns(text: string): Span[] {
  const candidates: Span[] = []
  for (const pattern of patterns) {
    for (const span of matchesOf(pattern, text)) candidates.push(span)
  }
  const spans = withoutOverlaps(candidates, text.length)
  return withPorts(spans, text)
}

/** Longest first; of equals the earlier one. Takes time linear in the text and what was found. */
export function withoutOverlaps(candidates: readonly Span[], textLength: number): Span[] {
  if (candidates.length < 2) return [...candidates]
  const taken = new Uint8Array(textLength)
  const longestFirst = candidates.toSorted((a, b) => b.end - b.start - (a.end - a.start))
  const kept = longestFirst.filter(({ start, end }) => {
    // What is taken is at least as long, so it covers one of the ends if it overlaps at all.
    if (taken[start] === 1 || taken[end - 1] === 1) return false
    taken.fill(1, start, end)
    return true
  })
  return kept.sort((a, b) => a.start - b.start)
}

function withPorts(spans: readonly Span[], text: string): Span[] {
  const all: Span[] = []
  spans.forEach((span, index) => {
    all.push(span)
    if (span.type !== 'ip' && span.type !== 'host') return
    portBehind.lastIndex = span.end
    const digits = portBehind.exec(text)?.[1]
    if (digits === undefined || !isPort(digits)) return
    const end = portBehind.lastIndex
    const next = spans[index + 1]
    if (next === undefined || next.start >= end) all.push({ type: 'port', start: end - digits.length, end })
  })
  return all
}
