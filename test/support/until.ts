import { setTimeout as pause } from 'node:timers/promises'

/** Waits for a condition. @throws Error naming it, after `timeoutMs` */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  timeoutMs = 30_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await pause(5)
  }
}
