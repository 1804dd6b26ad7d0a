import { EnrichdError } from '../errors.js'
import type { KafkaAdmin } from '../kafka/kafka-client.js'
import { sleep } from '../pipeline/sleep.js'
import type { Telemetry } from '../telemetry/telemetry.js'

export interface ResolveTopicsOptions {
  readonly admin: KafkaAdmin
  /** Names, and patterns between slashes. */
  readonly wanted: readonly string[]
  readonly telemetry: Telemetry
  readonly draining: AbortSignal
  /** A pattern never matches these, however they are called. */
  readonly holdsDeadLetters: (topic: string) => boolean
}

/** How often Kafka is asked again, in ms. */
const RETRY_MS = 1000

/**
 * The topics to read: names as they are, patterns resolved once, now. A pattern never matches internal topics (`__…`) or
 * dead letter topics. Kafka, or a first topic that matches, is waited for, with a line for each attempt.
 *
 * @throws the signal's reason once the drain begins
 */
export async function resolveTopics({
  admin,
  wanted,
  telemetry,
  draining,
  holdsDeadLetters,
}: ResolveTopicsOptions): Promise<readonly string[]> {
  if (!wanted.some(isPattern)) return wanted
  for (;;) {
    try {
      const topics = matchingTopics(wanted, [...(await admin.partitionCounts()).keys()], holdsDeadLetters)
      if (topics.length > 0) return topics
      telemetry.dependencyDown('kafka', noMatch(wanted))
    } catch (error) {
      if (!(error instanceof EnrichdError)) throw error
      telemetry.dependencyDown('kafka', error)
    }
    await sleep(RETRY_MS, { signal: draining })
  }
}

/** The names that are wanted, there or not, and those of `there` that match a wanted pattern; sorted. */
export function matchingTopics(
  wanted: readonly string[],
  there: readonly string[],
  holdsDeadLetters: (topic: string) => boolean,
): readonly string[] {
  const names = wanted.filter((topic) => !isPattern(topic))
  const patterns = wanted.filter(isPattern).map((pattern) => new RegExp(pattern.slice(1, -1)))
  const matching = there.filter(
    (topic) =>
      isEligible(topic) && !holdsDeadLetters(topic) && patterns.some((pattern) => pattern.test(topic)),
  )
  return [...new Set([...names, ...matching])].sort()
}

export const isPattern = (topic: string): boolean =>
  topic.length > 2 && topic.startsWith('/') && topic.endsWith('/')

const isEligible = (topic: string): boolean => !topic.startsWith('__') && !topic.endsWith('.dead-letter')

function noMatch(wanted: readonly string[]): EnrichdError {
  const message = `Kafka has no topic that matches ${wanted.join(', ')}: waiting for one`
  return new EnrichdError('KAFKA_MISCONFIGURED', message, { kind: 'setting' })
}
