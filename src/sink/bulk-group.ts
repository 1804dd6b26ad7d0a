import type { InFlight } from '../delivery/delivery.js'
import type { EnrichedDocument } from '../delivery/document.js'
import { EnrichdError } from '../errors.js'
import type { BulkItem } from './bulk-request.js'
import type { IndexNameBudget } from './index-name-budget.js'
import type { Outbox } from './outbox.js'

/** A document on its way, with what it has been through. */
export interface LineItem extends BulkItem {
  readonly delivery: InFlight<EnrichedDocument>
  /** Attempts that counted against it. */
  attempts: number
}

/** Documents that are sent together. What is left of them after an answer goes on as a smaller group. */
export interface Group {
  readonly items: readonly LineItem[]
  /** How often in a row they came back. */
  readonly failures: number
  /** All of them were refused for a reason that is not known. */
  readonly suspect: boolean
}

/** One request under way, and what had happened when it began. */
export interface Attempt {
  readonly group: Group
  /** The breaker let it through to see whether Elasticsearch is back. */
  readonly probe: boolean
  readonly startedAtMs: number
  readonly indexedBefore: number
  readonly settledBefore: number
  readonly abort: AbortController
}

/** Elasticsearch refuses a whole bulk for one id that is longer. */
const maxIdBytes = 512

/** @throws EnrichdError of kind `record` if the id is longer than Elasticsearch takes it, 512 bytes of UTF-8 */
export function checkId(id: string): void {
  if (id.length <= maxIdBytes / 3 || Buffer.byteLength(id) <= maxIdBytes) return
  throw new EnrichdError('INDEX_REJECTED', `the id is longer than ${maxIdBytes} bytes`, { kind: 'record' })
}

/** The same group without the records that are no longer ours, which are released; undefined where none is left. */
export function withoutLost(group: Group, outbox: Outbox): Group | undefined {
  if (!group.items.some((item) => item.delivery.record.lease.aborted)) return group
  const items: LineItem[] = []
  for (const item of group.items) {
    if (item.delivery.record.lease.aborted) outbox.released(item.delivery.record)
    else items.push(item)
  }
  return items.length === 0 ? undefined : { ...group, items }
}

/** Two groups of half the size. */
export function halves({ items, suspect }: Group): readonly Group[] {
  const half = Math.ceil(items.length / 2)
  return [items.slice(0, half), items.slice(half)].map((part) => ({ items: part, failures: 0, suspect }))
}

export interface Admission {
  readonly admitted: readonly LineItem[]
  /** Their index would be one new name too many. */
  readonly refused: readonly LineItem[]
  readonly error: EnrichdError | undefined
}

/** Whether every item's index is known: then there is nothing to ask. */
export function allKnown(items: readonly LineItem[], names: IndexNameBudget): boolean {
  return items.every((item) => names.known(item.index))
}

/** A larger document is not kept to vouch for Elasticsearch. */
const maxWitnessBytes = 65_536

/** Whether writing this document once more may show that Elasticsearch answers. */
export function canVouch({ document }: LineItem): boolean {
  return document.bytes <= maxWitnessBytes
}

/** While nothing has been indexed yet: a document that is being sent, so that to write it by itself too changes nothing. */
export function anyUnderway(attempts: Iterable<Attempt>, names: IndexNameBudget): LineItem | undefined {
  for (const { group } of attempts) {
    const found = group.items.find((item) => canVouch(item) && names.known(item.index))
    if (found !== undefined) return found
  }
  return undefined
}

/** Tells items whose index may be written from those whose may not yet. Rejects where that cannot be found out. */
export async function admit(
  items: readonly LineItem[],
  names: IndexNameBudget,
  signal: AbortSignal,
): Promise<Admission> {
  const refusals = new Map<string, EnrichdError>()
  for (const index of new Set(items.map((item) => item.index))) {
    await names.admit(index, signal).catch((error: unknown) => {
      if (!(error instanceof EnrichdError) || error.code !== 'INDEX_TOO_MANY_NAMES') throw error
      refusals.set(index, error)
    })
  }
  return {
    admitted: items.filter((item) => !refusals.has(item.index)),
    refused: items.filter((item) => refusals.has(item.index)),
    error: refusals.values().next().value,
  }
}

/** Whatever a request ended with, as ours. What is not ours already is a fault of this program, and waited out. */
export function asEnrichdError(error: unknown): EnrichdError {
  if (error instanceof EnrichdError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new EnrichdError('INTERNAL', message, { kind: 'outage', cause: error })
}
