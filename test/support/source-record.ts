import type { SourceRecord } from '../../src/delivery/delivery.js'

/** A Kafka record as the source would read it; a string value becomes its bytes. */
export function sourceRecord(
  value: string | Buffer | null,
  overrides: Partial<Omit<SourceRecord, 'value'>> = {},
): SourceRecord {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  return {
    id: 'logs-0-7-1700000000000',
    topic: 'logs',
    partition: 0,
    offset: 7,
    timestampMs: 1_700_000_000_000,
    key: null,
    value: bytes,
    headers: {},
    bytes: bytes?.length ?? 0,
    origin: 'kafka',
    lease: new AbortController().signal,
    ...overrides,
  }
}
