import type { TopicPartition } from './telemetry.js'

const MAX_TOPICS = 20

/** Partitions in few words: `logs[0-3,7] audit[0]`. At most 20 topics are named. */
export function partitionList(partitions: readonly TopicPartition[]): string {
  const byTopic = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    const known = byTopic.get(topic)
    if (known === undefined) byTopic.set(topic, [partition])
    else known.push(partition)
  }
  const words = [...byTopic].slice(0, MAX_TOPICS).map(([topic, numbers]) => `${topic}[${ranges(numbers)}]`)
  if (byTopic.size > MAX_TOPICS) words.push(`and ${byTopic.size - MAX_TOPICS} more topics`)
  return words.length === 0 ? 'none' : words.join(' ')
}

function ranges(numbers: readonly number[]): string {
  const sorted = numbers.toSorted((a, b) => a - b)
  const words: string[] = []
  for (let at = 0; at < sorted.length; at++) {
    const from = sorted[at] ?? 0
    while (sorted[at + 1] === (sorted[at] ?? 0) + 1) at++
    const to = sorted[at] ?? from
    words.push(to === from ? String(from) : `${from}-${to}`)
  }
  return words.join(',')
}
