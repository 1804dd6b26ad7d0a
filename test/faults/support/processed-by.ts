import type { DaemonProcess } from '../../support/daemon-process.js'

const timeoutMs = 1000

/** How many records the daemon has settled as indexed. @throws Error where it has not started, has ended, or is silent for 1 s */
export async function processedBy(daemon: DaemonProcess): Promise<number> {
  const started = daemon.lines.find(({ event }) => event === 'daemon.starting')
  if (started === undefined) throw new Error('the daemon has not started yet')
  const answer = await fetch(`${String(started['admin'])}status`, { signal: AbortSignal.timeout(timeoutMs) })
  return ((await answer.json()) as { counters: { processed: number } }).counters.processed
}
