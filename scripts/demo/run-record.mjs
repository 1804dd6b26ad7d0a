import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { stacksDirectory } from '../stack/paths.mjs'
import { endProcess, isRunning, processId } from '../stack/processes.mjs'
import { removeServers } from './servers.mjs'

/**
 * What one run of the demo has started and made, kept in a file while any of it is there, so that it can be ended by a
 * later run too.
 *
 * @typedef {import('../stack/processes.mjs').ProcessId} ProcessId
 * @typedef {{ demo: ProcessId, keep: boolean, directory?: string, servers?: import('./servers.mjs').ServersName,
 *   processes: Record<string, ProcessId> }} Run
 */

const prefix = 'demo-run-'
const graceMs = 5000

/** @returns {Run} */
export function newRun() {
  return { demo: processId(process.pid), keep: false, processes: {} }
}

/** @param {Run} run */
export function writeRun(run) {
  mkdirSync(stacksDirectory(), { recursive: true })
  const path = pathOf(run)
  writeFileSync(`${path}.new`, JSON.stringify(run), { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

/** @returns {Run[]} of this clone: those under way, those kept, and those that were killed */
export function knownRuns() {
  const directory = stacksDirectory()
  if (!existsSync(directory)) return []
  return readdirSync(directory)
    .filter((name) => name.startsWith(prefix) && name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')))
}

/** @param {Run} run @returns {boolean} its demo was killed, and what it has started may still run */
export function isLeftover(run) {
  return !run.keep && !isRunning(run.demo)
}

/**
 * Ends what a run has started and deletes what it has made. May be called again after it failed.
 *
 * @param {Run} run
 */
export async function endRun(run) {
  const ended = await Promise.allSettled([
    ...Object.values(run.processes).map((one) => endProcess(one, graceMs)),
    run.servers ? removeServers(run.servers) : undefined,
  ])
  const failed = ended.find(({ status }) => status === 'rejected')
  if (failed) throw failed.reason
  if (run.directory) rmSync(run.directory, { recursive: true, force: true, maxRetries: 5 })
  rmSync(pathOf(run), { force: true })
  removeIfEmpty(stacksDirectory())
}

function removeIfEmpty(directory) {
  try {
    rmdirSync(directory)
  } catch {
    // It was not there, or other stacks are in it.
  }
}

function pathOf({ demo }) {
  return join(stacksDirectory(), `${prefix}${demo.pid}.json`)
}
