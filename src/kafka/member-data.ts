import type { TopicPartition } from '../telemetry/telemetry.js'
import type { ProcessPlace } from './process-place.js'

/** What a member tells the others when it joins, besides its topics. */
export interface MemberData {
  /** What it had before this rebalance. */
  readonly owned: readonly TopicPartition[]
  /** Undefined where its system does not tell. */
  readonly place: ProcessPlace | undefined
}

export function encodeMemberData({ owned, place }: MemberData): Buffer {
  return Buffer.from(JSON.stringify({ owned: toMap(owned), place }))
}

/** Only hints, from another process, perhaps of another version: what cannot be read is not there. */
export function decodeMemberData(data: Buffer | undefined): MemberData {
  const { owned, place } = parseObject(data?.toString() ?? '')
  return {
    owned: toPartitions(owned),
    place: isPlace(place) ? { home: place.home, pid: place.pid } : undefined,
  }
}

/** Partition numbers by topic, as the group's protocol has them. */
export function toMap(partitions: readonly TopicPartition[]): Record<string, number[]> {
  const map: Record<string, number[]> = {}
  for (const { topic, partition } of partitions) (map[topic] ??= []).push(partition)
  return map
}

function toPartitions(map: unknown): TopicPartition[] {
  if (!isObject(map)) return []
  return Object.entries(map).flatMap(([topic, partitions]) =>
    Array.isArray(partitions)
      ? partitions.filter(Number.isInteger).map((partition: number) => ({ topic, partition }))
      : [],
  )
}

function parseObject(json: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(json)
    return isObject(parsed) ? parsed : {}
  } catch {
    return {}
  }
}

/** A process id of 0 or below means whole groups of processes to `kill`. */
function isPlace(value: unknown): value is ProcessPlace {
  return (
    isObject(value) &&
    typeof value['home'] === 'string' &&
    Number.isInteger(value['pid']) &&
    (value['pid'] as number) > 0
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
