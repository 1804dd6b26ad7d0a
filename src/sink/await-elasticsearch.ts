import type { Clock } from '../pipeline/clock.js'
import { systemClock } from '../pipeline/clock.js'
import { sleep } from '../pipeline/sleep.js'
import type { Telemetry } from '../telemetry/telemetry.js'
import { asEnrichdError } from './bulk-group.js'
import type { BulkEndpoint } from './bulk-request.js'
import { OutageReport } from './outage-report.js'

export interface AwaitElasticsearchOptions {
  readonly endpoint: Pick<BulkEndpoint, 'greet'>
  /** Between two attempts, and for each of them. */
  readonly probeIntervalMs: number
  readonly telemetry: Telemetry
  /** Aborted when the drain begins: nothing is waited for any more. */
  readonly draining: AbortSignal
  readonly clock?: Clock
}

/**
 * Resolves once Elasticsearch answers and takes the login, or once the drain begins; never rejects. For the start: a record
 * that is not begun need not be finished, so that a daemon which was started beside a missing Elasticsearch ends at
 * once, and pays for no call in vain.
 */
export async function awaitElasticsearch(options: AwaitElasticsearchOptions): Promise<void> {
  const { endpoint, probeIntervalMs, telemetry, draining, clock = systemClock } = options
  const report = new OutageReport(telemetry, clock)
  const isOver = () => draining.aborted
  while (!isOver()) {
    try {
      await endpoint.greet(probeIntervalMs, draining)
      report.up()
      return
    } catch (error) {
      if (isOver()) return
      report.down(asEnrichdError(error))
    }
    await sleep(probeIntervalMs, { clock, signal: draining }).catch(() => undefined)
  }
}
