/** Names a partition in maps and sets; no topic's name holds a slash. */
export function partitionKey({
  topic,
  partition,
}: {
  readonly topic: string
  readonly partition: number
}): string {
  return `${topic}/${partition}`
}
