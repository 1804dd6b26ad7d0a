import { topicsToRead } from '../../assembly/topics-to-read.js'
import type { Config } from '../../config/schema.js'
import { EnrichdError } from '../../errors.js'
import type { GroupDescription, KafkaInspector } from '../../kafka/kafka-inspector.js'
import { isPattern } from '../../source/resolve-topics.js'
import { advise, inWords, type Report } from '../finding.js'

/** The topics to read, tried one by one. @returns those that are there */
export async function checkTopics(
  config: Config,
  inspector: KafkaInspector,
  report: Report,
): Promise<readonly string[]> {
  const wanted = config.kafka.topics
  const patterns = wanted.filter(isPattern)
  const names = patterns.length === 0 ? wanted : topicsToRead(config, await inspector.topics())
  if (names.length === 0) {
    const message = 'no topic matches; correct kafka.topics, or allow this user to describe the topics'
    report({ status: 'FAIL', subject: `kafka topics ${patterns.join(', ')}`, message })
  }
  const there: string[] = []
  for (const name of names) if (await checkTopic(name, inspector, report)) there.push(name)
  return there
}

async function checkTopic(name: string, inspector: KafkaInspector, report: Report): Promise<boolean> {
  const subject = `kafka topic ${name}`
  try {
    const topic = await inspector.topic(name)
    if (topic === undefined) {
      const message =
        'it does not exist; create it, or correct kafka.topics (run waits for it and never creates it)'
      report({ status: 'FAIL', subject, message })
      return false
    }
    await inspector.tryRead(name)
    report({ status: 'ok', subject, message: `${count(topic.partitions.length, 'partition')}, readable` })
    return true
  } catch (error) {
    const message = isUnauthorized(error)
      ? 'this user may not read it; allow it the operations Describe and Read on the topic'
      : inWords(error)
    report({ status: 'FAIL', subject, message })
    return false
  }
}

/** The consumer group: allowed, and not somebody else's. */
export async function checkGroup(
  config: Config,
  inspector: KafkaInspector,
  { topics, report }: { readonly topics: readonly string[]; readonly report: Report },
): Promise<void> {
  const { groupId } = config.kafka
  const subject = `kafka group ${groupId}`
  try {
    await inspector.tryGroup(groupId)
    report({ subject, ...judgeGroup(await inspector.group(groupId), topics) })
  } catch (error) {
    const message = isUnauthorized(error)
      ? 'this user may not be its member; allow it the operation Read on the group'
      : inWords(error)
    report({ status: 'FAIL', subject, message })
  }
}

/** Whose group it is, by what its members read now, or by what it has committed. */
export function judgeGroup(
  group: GroupDescription,
  topics: readonly string[],
): { status: 'ok' | 'warn' | 'FAIL'; message: string } {
  const advice = 'choose another kafka.groupId'
  const { members, committedTopics, protocolType } = group
  if (members.length > 0 && protocolType !== 'consumer')
    return { status: 'FAIL', message: advise(`it is in use for "${protocolType}"`, advice) }
  const read = [...new Set(members.flatMap((member) => member.topics))].sort()
  const others = read.filter((topic) => !topics.includes(topic))
  const inUse = `it is in use by ${count(members.length, 'member')}`
  if (others.length > 0 && others.length === read.length)
    return { status: 'FAIL', message: advise(`${inUse} with other topics (${some(others)})`, advice) }
  if (others.length > 0)
    return {
      status: 'warn',
      message: `${inUse} that also read ${some(others)}; ${advice} unless this is a rolling change`,
    }
  if (members.length > 0) return { status: 'ok', message: `${inUse} with the same topics` }
  const committed = committedTopics.filter((topic) => !topics.includes(topic))
  if (committed.length > 0 && committed.length === committedTopics.length)
    return {
      status: 'warn',
      message: `it has offsets of other topics (${some(committed)}), as if it were another program's; ${advice} unless it is not`,
    }
  return { status: 'ok', message: committedTopics.length > 0 ? 'free, and known from before' : 'free' }
}

/** The topics for dead letters: there, writable, and taking records as large as those of their source. */
export async function checkDeadLetterTopics(
  pairs: readonly (readonly [deadLetterTopic: string, topics: readonly string[]])[],
  inspector: KafkaInspector,
  report: Report,
): Promise<void> {
  for (const [name, topics] of pairs) {
    const subject = `dead letter topic ${name}`
    try {
      if ((await inspector.topic(name)) === undefined) {
        const message = 'it does not exist; run enrichd setup, or create it'
        report({ status: 'FAIL', subject, message })
        continue
      }
      await inspector.tryWrite(name)
      const small = await smallerThan(name, topics, inspector)
      if (small === undefined) report({ status: 'ok', subject, message: 'writable' })
      else report({ status: 'warn', subject, message: `writable; ${small}` })
    } catch (error) {
      const message = isUnauthorized(error)
        ? 'this user may not write to it; allow it the operations Describe and Write on the topic'
        : inWords(error)
      report({ status: 'FAIL', subject, message })
    }
  }
}

const LIMIT = 'max.message.bytes'

async function smallerThan(
  name: string,
  topics: readonly string[],
  inspector: KafkaInspector,
): Promise<string | undefined> {
  const limit = (await inspector.topicConfig(name, [LIMIT]))?.get(LIMIT)
  if (limit === undefined) return undefined
  for (const topic of topics) {
    const theirs = (await inspector.topicConfig(topic, [LIMIT]))?.get(LIMIT)
    if (Number(theirs) > Number(limit))
      return `its ${LIMIT}, ${limit}, is less than that of ${topic}, ${String(theirs)}: larger records are cut to 64 KiB; raise it`
  }
  return undefined
}

function isUnauthorized(error: unknown): boolean {
  return error instanceof EnrichdError && error.code === 'KAFKA_UNAUTHORIZED'
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

function some(names: readonly string[]): string {
  return names.length <= 3 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`
}
