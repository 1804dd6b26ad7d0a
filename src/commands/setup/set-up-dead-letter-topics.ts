import { EnrichdError } from '../../errors.js'
import type { KafkaAdmin } from '../../kafka/kafka-client.js'
import type { KafkaInspector, TopicDescription } from '../../kafka/kafka-inspector.js'
import { typeOf } from '../../kafka/kafkajs-inspector.js'
import { inWords, type Report } from '../finding.js'

export interface SetUpDeadLetterTopicsOptions {
  readonly inspector: KafkaInspector
  readonly admin: KafkaAdmin
  readonly report: Report
}

const LIMIT = 'max.message.bytes'
const RETENTION = 'retention.ms'
/** Beside the record, a dead letter carries our headers. */
const HEADER_BYTES = 65_536
const DAY_MS = 86_400_000
/** People come back to dead letters after weeks. */
const LEAST_RETENTION_MS = 30 * DAY_MS
/** Where the source topic is not there to take after. */
const MOST_REPLICAS = 3

/**
 * Makes each dead letter topic that is missing: as many partitions and copies as the topic it is for, kept for 30 days at
 * least, and taking records as large. What is there is shown and never changed.
 */
export async function setUpDeadLetterTopics(
  pairs: readonly (readonly [deadLetterTopic: string, topics: readonly string[]])[],
  options: SetUpDeadLetterTopicsOptions,
): Promise<void> {
  for (const [name, topics] of pairs) {
    const subject = `dead letter topic ${name}`
    try {
      const there = await options.inspector.topic(name)
      if (there === undefined) await make(name, topics, options)
      else await tell({ name, topics, there }, options)
    } catch (error) {
      const message = mayNotCreate(error)
        ? 'this user may not create it; allow it the operation Create on the topic, or create it'
        : inWords(error)
      options.report({ status: 'FAIL', subject, message })
    }
  }
}

interface Existing {
  readonly name: string
  readonly topics: readonly string[]
  readonly there: TopicDescription
}

async function tell({ name, topics, there }: Existing, { inspector, report }: SetUpDeadLetterTopicsOptions) {
  const subject = `dead letter topic ${name}`
  const { partitions, replicas } = there
  report({ status: 'ok', subject, message: `there already: ${shape(partitions.length, replicas)}` })
  const limit = (await inspector.topicConfig(name, [LIMIT]))?.get(LIMIT)
  const needed = await sourceConfig(topics, inspector)
  if (limit !== undefined && Number(limit) < needed.maxMessageBytes) {
    const message = `differs, and is left as it is: its ${LIMIT} is ${limit}, that of its source ${needed.maxMessageBytes}; larger records are cut to 64 KiB`
    report({ status: 'warn', subject, message })
  }
}

async function make(
  name: string,
  topics: readonly string[],
  { inspector, admin, report }: SetUpDeadLetterTopicsOptions,
): Promise<void> {
  const subject = `dead letter topic ${name}`
  const found: TopicDescription[] = []
  for (const topic of topics) {
    const description = await inspector.topic(topic)
    if (description === undefined) {
      const message = 'not there, and not ours to make; run waits for it'
      report({ status: 'warn', subject: `kafka topic ${topic}`, message })
    } else found.push(description)
  }
  const brokers = await inspector.brokers()
  const partitions = Math.max(1, ...found.map((each) => each.partitions.length))
  const replicas =
    found.length === 0
      ? Math.min(MOST_REPLICAS, brokers.length)
      : Math.max(...found.map((each) => each.replicas))
  const { maxMessageBytes, retentionMs } = await sourceConfig(topics, inspector)
  const config = {
    'cleanup.policy': 'delete',
    [RETENTION]: String(retentionMs),
    ...(maxMessageBytes > 0 && { [LIMIT]: String(maxMessageBytes + HEADER_BYTES) }),
  }
  const made = await admin.createTopic(name, { partitions, replicationFactor: replicas, config })
  const kept = retentionMs < 0 ? 'for ever' : `for ${Math.round(retentionMs / DAY_MS)} days`
  if (made) report({ status: 'made', subject, message: `${shape(partitions, replicas)}, kept ${kept}` })
  else report({ status: 'ok', subject, message: 'somebody else has just made it' })
}

/** The largest record, and the longest retention, of these topics, as far as this user may ask. */
async function sourceConfig(topics: readonly string[], inspector: KafkaInspector) {
  let maxMessageBytes = 0
  let retentionMs = LEAST_RETENTION_MS
  for (const topic of topics) {
    if ((await inspector.topic(topic)) === undefined) continue
    const config = await inspector.topicConfig(topic, [LIMIT, RETENTION])
    maxMessageBytes = Math.max(maxMessageBytes, Number(config?.get(LIMIT) ?? 0))
    const retention = Number(config?.get(RETENTION) ?? 0)
    // -1 is for ever.
    retentionMs = retention < 0 || retentionMs < 0 ? -1 : Math.max(retentionMs, retention)
  }
  return { maxMessageBytes, retentionMs }
}

function shape(partitions: number, replicas: number): string {
  return `${partitions} ${partitions === 1 ? 'partition' : 'partitions'}, ${replicas} ${replicas === 1 ? 'copy' : 'copies'} of each`
}

function mayNotCreate(error: unknown): boolean {
  const unauthorized = error instanceof EnrichdError && error.code === 'KAFKA_UNAUTHORIZED'
  return unauthorized || /AUTHORIZATION_FAILED/.test(typeOf(error) ?? '')
}
