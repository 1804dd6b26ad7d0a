import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { isRunning } from './processes.mjs'

const timeoutMs = 180_000

/**
 * Waits until `probe` says true. Fails with the end of the logs when the process ends first, or after three minutes.
 *
 * @param {{ what: string, process: () => import('./processes.mjs').ProcessId | undefined,
 *   probe: () => Promise<boolean>, logs: string[], tell: (line: string) => void }} options
 */
export async function untilReady({ what, process, probe, logs, tell }) {
  const begun = performance.now()
  const seconds = () => Math.round((performance.now() - begun) / 1000)
  let told = 0
  for (;;) {
    if (await probe().catch(() => false)) break
    if (!isRunning(process())) throw new Error(`${what} ended while starting.\n${endOf(logs)}`)
    if (performance.now() - begun > timeoutMs)
      throw new Error(`${what} is not ready after ${seconds()} s.\n${endOf(logs)}`)
    if (seconds() - told >= 5) tell(`${what}: starting, ${(told = seconds())} s`)
    await sleep(200)
  }
  tell(`${what}: ready after ${seconds()} s`)
}

function endOf(logs) {
  const parts = logs
    .filter((path) => existsSync(path))
    .map((path) => {
      const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
      return `--- the end of ${path}:\n${lines.slice(-20).join('\n')}`
    })
  return parts.join('\n')
}
