import winkModel from 'wink-eng-lite-web-model'
import winkNlp, { type Detail, type ItemEntity } from 'wink-nlp'
import type { EntityType, Span } from './analysis.js'

/** What wink finds that is worth having in a log. Its CARDINAL, ORDINAL, EMOTICON, MENTION and the like are noise there. */
const types: Readonly<Record<string, EntityType>> = {
  DATE: 'date',
  TIME: 'time',
  MONEY: 'money',
  PERCENT: 'percent',
  DURATION: 'duration',
}

/**
 * None of these types is found without a currency, digits written as a date or a time, a word for a number, or a word of the
 * calendar or the clock. wink is by far the dearest part of an analysis, so a text without one is spared it.
 */
const worthReading =
  /[$€£¥%]|\d ?(?:st|nd|rd|th|[ap]\.?m)\b|\d[:/-]\d|\b(?:dollars?|cents?|euros?|pounds?|yen|yuan|rupees?|francs?|usd|eur|gbp|jpy|inr|cny|chf|percent|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|hundred|thousand|million|half|quarter|noon|midnight|today|tomorrow|yesterday|tonight|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|january|february|march|april|may|june|july|august|september|october|november|december|seconds?|minutes?|hours?|days?|weeks?|months?|years?|decades?|century|weekend)\b/i

const nlp = winkNlp(winkModel, ['sbd', 'ner'])

// wink hands its `its` functions over to be passed on; they know no `this`.
/* eslint-disable @typescript-eslint/unbound-method */
const { detail, span, value, precedingSpaces } = nlp.its
/* eslint-enable @typescript-eslint/unbound-method */

/**
 * Dates, times, amounts of money and of time in running text, found by wink-nlp; sorted. `text` must be without long runs
 * of other characters than blanks: wink's tokenizer takes time out of proportion on them.
 */
export function findProse(text: string): Span[] {
  if (!worthReading.test(text)) return []
  const document = nlp.readDoc(text)
  const found: { type: EntityType; first: number; last: number }[] = []
  document.entities().each((entity: ItemEntity) => {
    const type = types[(entity.out(detail) as Detail).type]
    const [first, last] = entity.out(span) as unknown as [number, number]
    if (type === undefined) return
    // A unit without its number ("days") says nothing, and a number alone ("2031") is rarely the year that wink takes it for.
    const isAlone = first === last && (type === 'duration' || /^\d+$/.test(entity.out()))
    if (!isAlone) found.push({ type, first, last })
  })
  if (found.length === 0) return []

  const tokens = document.tokens()
  const values = tokens.out(value)
  const spaces = tokens.out(precedingSpaces)
  const starts = new Array<number>(values.length)
  let position = 0
  for (let i = 0; i < values.length; i++) {
    position += spaces[i]?.length ?? 0
    starts[i] = position
    position += values[i]?.length ?? 0
  }
  return found.map(({ type, first, last }) => ({
    type,
    start: starts[first] ?? 0,
    end: (starts[last] ?? 0) + (values[last]?.length ?? 0),
  }))
}
