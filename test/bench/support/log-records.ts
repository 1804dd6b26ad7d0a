import type { Message } from 'kafkajs'

const services = ['payments', 'checkout', 'auth', 'catalog', 'shipping', 'search', 'billing', 'gateway']
const levels = ['ERROR', 'WARN', 'INFO', 'ERROR']
const baseMs = Date.UTC(2025, 5, 1, 12)

const messages: ((a: number, b: number, c: number) => string)[] = [
  (a, b, c) => `timeout connecting to 10.2.${a}.${b}:5432 after ${c}ms`,
  (a, b, c) => `connection refused by upstream 10.7.${a}.${b}:8443 attempt ${c}, giving up`,
  (a, b, c) => `slow query on replica 10.4.${a}.${b} took ${c}ms, plan cache miss for orders_by_customer`,
  (a, b, c) => `failed to acquire lock held by 10.9.${a}.${b} for ${c}ms on table ledger_entries`,
]

/** The value of record `id`: about 224 bytes of JSON, the same as the peers are measured with. */
export function logRecord(id: number, padBytes = 0): string {
  const write = messages[id % 4] ?? String
  return JSON.stringify({
    id,
    ts: new Date(baseMs + id).toISOString(),
    service: services[id % services.length],
    level: levels[id % 4],
    message: write((id >> 8) % 256, id % 256, 100 + (id % 5000)),
    host: `node-${String(id % 40).padStart(2, '0')}.eu-west-1.internal`,
    trace: BigInt.asUintN(64, BigInt(id) * 0x9e3779b97f4a7c15n)
      .toString(16)
      .padStart(16, '0'),
    ...(padBytes > 0 && { payload: 'x'.repeat(padBytes) }),
  })
}

/** Records `from` to `from + count`, evenly over the partitions. */
export function logMessages(options: LogMessagesOptions): Message[] {
  const { from, count, partitions, padBytes = 0 } = options
  return Array.from({ length: count }, (_, at) => ({
    key: null,
    value: logRecord(from + at, padBytes),
    partition: (from + at) % partitions,
  }))
}

export interface LogMessagesOptions {
  readonly from: number
  readonly count: number
  readonly partitions: number
  /** Adds a field of so many bytes. Default 0. */
  readonly padBytes?: number
}
