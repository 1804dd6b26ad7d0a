import type { Delivery, Finished, InFlight, SourceRecord } from '../../src/delivery/delivery.js'
import type { EnrichedDocument } from '../../src/delivery/document.js'
import type { Telemetry } from '../../src/telemetry/telemetry.js'

const lease = new AbortController().signal

export function sinkRecord(offset: number, changes: Partial<SourceRecord> = {}): SourceRecord {
  return {
    id: `logs-0-${offset}-1700000000000`,
    topic: 'logs',
    partition: 0,
    offset,
    timestampMs: 1_700_000_000_000,
    key: null,
    value: Buffer.from('x'),
    headers: {},
    bytes: 1,
    origin: 'kafka',
    lease,
    ...changes,
  }
}

export function sinkDocument(
  source: Record<string, unknown> = { message: 'm' },
  timeMs = 1_700_000_000_000,
): EnrichedDocument {
  const body = JSON.stringify(source)
  return { body, bytes: Buffer.byteLength(body), timeMs, indexTimeMs: timeMs, fields: source }
}

export function inFlight(offset: number, changes: Partial<SourceRecord> = {}): InFlight<EnrichedDocument> {
  return {
    status: 'in-flight',
    record: sinkRecord(offset, changes),
    value: sinkDocument({ message: 'm', offset }),
  }
}

export interface ToldTelemetry extends Telemetry {
  readonly told: { readonly event: string; readonly args: readonly unknown[] }[]
  readonly count: (event: string) => number
}

/** Remembers every event. */
export function toldTelemetry(): ToldTelemetry {
  const told: { event: string; args: readonly unknown[] }[] = []
  const own = { told, count: (event: string) => told.filter((entry) => entry.event === event).length }
  return new Proxy(own as unknown as ToldTelemetry, {
    get: (target, event: string) =>
      event in target
        ? (Reflect.get(target, event) as unknown)
        : (...args: unknown[]) => void told.push({ event, args }),
  })
}

export async function* fromArray<T>(items: readonly T[]): AsyncGenerator<T, void> {
  yield* items
}

export async function toArray<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

export function inBatches<T>(items: readonly Delivery<T>[], size: number): Delivery<T>[][] {
  const batches: Delivery<T>[][] = []
  for (let start = 0; start < items.length; start += size) batches.push(items.slice(start, start + size))
  return batches
}

export function byStatus(finished: readonly Finished[]): Record<Finished['status'], number> {
  const counts = { indexed: 0, rejected: 0, dropped: 0, released: 0 }
  for (const { status } of finished) counts[status]++
  return counts
}

/** Waits until `condition` holds; fails with `what` after `timeoutMs`. */
export async function until(condition: () => boolean, what: string, timeoutMs = 5000): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
