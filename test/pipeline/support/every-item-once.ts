import assert from 'node:assert/strict'

/** The checker of lost and doubled items. @throws AssertionError naming them */
export function everyItemOnce<T>(given: readonly T[], received: readonly T[]): void {
  const counts = new Map(given.map((item) => [item, 0]))
  for (const item of received) counts.set(item, (counts.get(item) ?? 0) + 1)
  const lost = given.filter((item) => counts.get(item) === 0)
  const doubled = [...counts].filter(([, count]) => count > 1).map(([item]) => item)
  assert.deepEqual({ lost, doubled }, { lost: [], doubled: [] })
}
