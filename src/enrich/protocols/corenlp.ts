import type { Analysis, Entity } from '../analysis.js'
import { badAnswer, checkEntity, isObject, parseAnswer } from '../check-analysis.js'
import type { NlpProtocol } from '../nlp-protocol.js'

export interface CorenlpProtocolOptions {
  /** Path and query of the server. A query with `properties` replaces ours: then say `"outputFormat":"json"` in it. */
  readonly path: string
  /** Several texts per request, one a line. The server then builds a second pipeline once, which takes seconds. */
  readonly batched: boolean
}

/** Everything that CoreNLP's `ssplit.eolonly` splits a line at; each is one UTF-16 unit, so offsets stay as they are. */
// eslint-disable-next-line no-control-regex -- the line breaks are control characters
const lineBreaks = /[\n\r\u000b\f\u0085\u2028\u2029]/g

/**
 * Stanford CoreNLP's own server. Annotators are set on its side (`-annotators tokenize,ssplit,pos,lemma,ner`), since
 * each new set of properties makes it build a pipeline. It knows no severity. Offsets are UTF-16 units.
 */
export function corenlpProtocol({ path, batched }: CorenlpProtocolOptions): NlpProtocol {
  return {
    name: 'corenlp',
    maxTexts: batched ? 1024 : 1,
    request(texts) {
      const [only] = texts
      return {
        method: 'POST',
        path: withProperties(path, batched),
        // A form type would be URL-decoded.
        contentType: 'text/plain; charset=utf-8',
        body: batched ? texts.map(onOneLine).join('\n') : (only ?? ''),
      }
    },
    parse(answer, texts) {
      const found = texts.map((): Entity[] => [])
      const starts = startsOf(texts)
      for (const mention of mentions(parseAnswer(answer.body))) {
        const begin = mention['characterOffsetBegin']
        const at = typeof begin === 'number' ? indexOfText(starts, begin) : -1
        const text = texts[at]
        if (text === undefined) throw badAnswer('a mention lies outside the texts')
        found[at]?.push(toEntity(mention, text, starts[at] ?? 0))
      }
      return found.map((entities): Analysis => ({ entities }))
    },
  }
}

function withProperties(path: string, batched: boolean): string {
  if (/[?&]properties=/.test(path)) return path
  const properties = batched ? { outputFormat: 'json', 'ssplit.eolonly': 'true' } : { outputFormat: 'json' }
  const separator = path.includes('?') ? '&' : '?'
  return `${path}${separator}properties=${encodeURIComponent(JSON.stringify(properties))}`
}

function onOneLine(text: string): string {
  return text.replace(lineBreaks, ' ')
}

/** Where each text begins in the body: they are joined by one line break. */
function startsOf(texts: readonly string[]): number[] {
  let start = 0
  return texts.map((text) => {
    const own = start
    start += text.length + 1
    return own
  })
}

/** The last text that begins at or before `offset`. Blank lines give no sentence, so only offsets tell. */
function indexOfText(starts: readonly number[], offset: number): number {
  let low = 0
  let high = starts.length - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((starts[middle] ?? 0) <= offset) low = middle
    else high = middle - 1
  }
  return low
}

function* mentions(value: unknown): Generator<Readonly<Record<string, unknown>>> {
  if (!isObject(value) || !Array.isArray(value['sentences'])) throw badAnswer('there are no sentences')
  for (const sentence of value['sentences'] as unknown[]) {
    if (!isObject(sentence)) throw badAnswer('a sentence is not an object')
    const found = sentence['entitymentions'] ?? []
    if (!Array.isArray(found)) throw badAnswer('entitymentions is not an array')
    for (const mention of found as unknown[]) {
      if (!isObject(mention)) throw badAnswer('a mention is not an object')
      yield mention
    }
  }
}

function toEntity(mention: Readonly<Record<string, unknown>>, text: string, textStart: number): Entity {
  const { ner, characterOffsetBegin, characterOffsetEnd, nerConfidences } = mention
  const score = isObject(nerConfidences) && typeof ner === 'string' ? nerConfidences[ner] : undefined
  const raw = {
    text: undefined,
    type: ner,
    start: shift(characterOffsetBegin, textStart),
    end: shift(characterOffsetEnd, textStart),
    // Rule-based entities carry -1.
    score: typeof score === 'number' && score >= 0 ? score : undefined,
  }
  return checkEntity(raw, text)
}

function shift(offset: unknown, start: number): unknown {
  return typeof offset === 'number' ? offset - start : offset
}
