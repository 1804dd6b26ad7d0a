import { until } from '../../support/until.js'
import type { Bench } from './bench.js'

const timeoutMs = 300_000

/** Waits until an index holds so many writes. @throws Error after five minutes */
export function untilWritten({ stack }: Bench, index: string, records: number): Promise<void> {
  return until(
    `${records} documents are written`,
    async () => (await stack.written(index)) >= records,
    timeoutMs,
  )
}
