import type { EnrichdError } from '../errors.js'
import type { ItemOutcome } from './bulk-request.js'
import { classifyItemError } from './classify-index-error.js'

/** What becomes of the items of one answered bulk. */
export interface Verdicts<Item> {
  readonly indexed: { readonly item: Item; readonly outcome: 'indexed' | 'exists' }[]
  /** The record's own fault. */
  readonly rejected: Judged<Item>[]
  /** Elasticsearch cannot take them now, or a setting is wrong. */
  readonly waiting: Judged<Item>[]
  /** Refused for a reason that is not known. */
  readonly suspects: Judged<Item>[]
}

export interface Judged<Item> {
  readonly item: Item
  readonly error: EnrichdError
}

/** Sorts items by what the answer says of each. Outcomes beyond the last item are not looked at. */
export function judgeBulk<Item>(items: readonly Item[], outcomes: readonly ItemOutcome[]): Verdicts<Item> {
  const verdicts: Verdicts<Item> = { indexed: [], rejected: [], waiting: [], suspects: [] }
  for (const [position, item] of items.entries()) {
    const outcome = outcomes[position]
    if (outcome === undefined) throw new RangeError(`outcomes: ${outcomes.length} for ${items.length} items`)
    if (typeof outcome === 'string') {
      verdicts.indexed.push({ item, outcome })
      continue
    }
    const error = classifyItemError(outcome)
    listFor(verdicts, error).push({ item, error })
  }
  return verdicts
}

function listFor<Item>(verdicts: Verdicts<Item>, { kind }: EnrichdError): Judged<Item>[] {
  if (kind === 'record') return verdicts.rejected
  return kind === 'suspect' ? verdicts.suspects : verdicts.waiting
}
