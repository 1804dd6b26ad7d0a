import type { ReplayCounts } from './replay-source.js'
import type { Selection } from './selection.js'
import type { ReplayOutcome } from './settle-replay.js'

/** How many were selected. */
export function countSelected({ selected }: ReplayCounts): number {
  return [...selected.values()].reduce((total, letters) => total + letters, 0)
}

/** What was met: how many letters, and the selected ones by reason and topic. Several lines. */
export function countsInWords(counts: ReplayCounts, { topics, dryRun, again }: Selection): string {
  const selected = [...counts.selected].map(([key, letters]) => ({
    names: JSON.parse(key) as [string, string],
    letters,
  }))
  const sum = countSelected(counts)
  const lines = [
    `${letters(counts.read)} read, ${sum} ${dryRun ? 'would be brought back' : 'selected'}`,
    ...selected
      .sort((a, b) => b.letters - a.letters)
      .map(
        ({ names: [reason, topic], letters: number }) =>
          `${String(number).padStart(10)}  ${reason}  ${topic}`,
      ),
  ]
  // What was brought back before is not read, so nobody knows of which topics it is.
  if (counts.before === 0 || again)
    for (const topic of new Set(topics))
      if (!counts.topics.has(topic)) lines.push(`none of them is of the topic ${topic}`)
  if (counts.before > 0 && !again)
    lines.push(`${counts.before} were brought back before (--again takes them too)`)
  if (counts.foreign > 0) lines.push(`${counts.foreign} records there are no dead letters of enrichd`)
  if (counts.lost > 0)
    lines.push(
      `${counts.lost} hold only the beginning of their record, which is gone from its topic: they stay where they are`,
    )
  return `${lines.join('\n')}\n`
}

/** What became of the selected ones. One line. */
export function outcomeInWords({ indexed, rejectedAgain, dropped, released }: ReplayOutcome): string {
  const parts = [
    `${indexed} indexed`,
    `${rejectedAgain} rejected again and back among the dead letters`,
    ...(dropped > 0 ? [`${dropped} dropped by a policy`] : []),
    ...(released > 0 ? [`${released} left for the next run`] : []),
  ]
  return `${parts.join(', ')}\n`
}

function letters(count: number): string {
  return `${count} dead ${count === 1 ? 'letter' : 'letters'}`
}
