import { EnrichdError } from '../errors.js'
import type { KafkaAdmin } from '../kafka/kafka-client.js'
import type { Clock } from '../pipeline/clock.js'
import { sleep } from '../pipeline/sleep.js'
import type { Telemetry } from '../telemetry/telemetry.js'

export interface MissingTopicsOptions {
  /** Closed in the end. */
  readonly admin: Pick<KafkaAdmin, 'partitionCounts' | 'close'>
  /** Each may stand there twice. */
  readonly topics: readonly string[]
  readonly telemetry: Telemetry
  readonly draining: AbortSignal
  readonly clock?: Clock
}

/** How often Kafka is asked again, in ms. */
const RETRY_MS = 1000

/**
 * Says which dead letter topics are not there, before the first rejected record has to stop the line for it. One line, none
 * where all are there. A Kafka that does not answer is waited for without a word: those who want to read complain of it.
 * Resolves too where the drain comes first.
 */
export async function tellMissingTopics(options: MissingTopicsOptions): Promise<void> {
  const { admin, telemetry, draining } = options
  try {
    const missing = await missingTopics(options)
    if (missing.length === 0 || draining.aborted) return
    const what = `there is no dead letter topic ${missing.join(', ')} (or this user may not see it)`
    const then = 'the first record that is rejected will stop the line; make it by `enrichd setup`'
    telemetry.warning('dead_letter.topic_missing', `${what}: ${then}`, { topics: missing })
  } finally {
    await admin.close()
  }
}

/** None where the drain came first. */
async function missingTopics({
  admin,
  topics,
  draining,
  clock,
}: MissingTopicsOptions): Promise<readonly string[]> {
  while (!draining.aborted) {
    try {
      const there = await admin.partitionCounts()
      return [...new Set(topics)].filter((topic) => !there.has(topic))
    } catch (error) {
      if (!(error instanceof EnrichdError)) throw error
      await sleep(RETRY_MS, { signal: draining, ...(clock && { clock }) }).catch(() => undefined)
    }
  }
  return []
}
