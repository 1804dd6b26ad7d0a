import { execFileSync, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * A process and when it started: a pid alone may belong to somebody else by now.
 *
 * @typedef {{ pid: number, startedAt: string }} ProcessId
 */

/** @param {number} pid @returns {ProcessId | undefined} undefined if there is no such process (any more) */
export function processId(pid) {
  const startedAt = startTime(pid)
  return startedAt === undefined ? undefined : { pid, startedAt }
}

/** @param {ProcessId | undefined} id */
export function isRunning(id) {
  return id !== undefined && startTime(id.pid) === id.startedAt
}

function startTime(pid) {
  if (existsSync('/proc/self/stat')) return startTimeFromProc(pid)
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined
  } catch {
    return undefined
  }
}

function startTimeFromProc(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may hold anything; the state and 19 more fields follow it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

/** @param {number} pid @returns {string} its arguments, each followed by a space; empty if there is no such process */
export function commandLineOf(pid) {
  try {
    if (existsSync('/proc/self/cmdline'))
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
    return `${execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).trim()} `
  } catch {
    return ''
  }
}

/**
 * Starts a process that outlives us, its output appended to `logPath`.
 *
 * @param {{ command: string, args: string[], cwd: string, env?: Record<string, string>, logPath: string,
 *   account: import('./account.mjs').Account | undefined }} options
 * @returns {Promise<ProcessId>}
 */
export async function launch({ command, args, cwd, env = {}, logPath, account }) {
  const log = openSync(logPath, 'a')
  try {
    const child = spawn(command, args, {
      cwd,
      env: { PATH: process.env.PATH, HOME: cwd, LANG: 'C.UTF-8', ...env },
      detached: true,
      stdio: ['ignore', log, log],
      ...account,
    })
    await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject))
    child.unref()
    return processId(child.pid) ?? { pid: child.pid, startedAt: 'gone' }
  } finally {
    closeSync(log)
  }
}

/**
 * Sends a signal to a process and to the group that it leads, if it is still the one we mean.
 *
 * @param {ProcessId | undefined} id
 * @param {NodeJS.Signals} signal
 * @returns {boolean} whether it was sent
 */
export function sendSignal(id, signal) {
  if (!isRunning(id)) return false
  try {
    return process.kill(leadsGroup(id) ? -id.pid : id.pid, signal)
  } catch (error) {
    if (error.code === 'ESRCH') return false
    throw error
  }
}

function leadsGroup({ pid }) {
  try {
    return process.kill(-pid, 0)
  } catch {
    return false
  }
}

/** @param {ProcessId | undefined} id @param {number} timeoutMs @returns {Promise<boolean>} whether it is gone */
export async function waitForExit(id, timeoutMs) {
  const deadline = performance.now() + timeoutMs
  while (isRunning(id)) {
    if (performance.now() > deadline) return false
    await sleep(50)
  }
  return true
}

/**
 * SIGTERM, and SIGKILL after `graceMs`; a stopped (SIGSTOP) process is woken first.
 *
 * @param {ProcessId | undefined} id
 * @param {number} graceMs 0 kills at once
 */
export async function endProcess(id, graceMs) {
  if (graceMs > 0) {
    sendSignal(id, 'SIGTERM')
    sendSignal(id, 'SIGCONT')
    if (await waitForExit(id, graceMs)) return
  }
  sendSignal(id, 'SIGKILL')
  if (!(await waitForExit(id, 10_000))) throw new Error(`Process ${id.pid} does not end, even by SIGKILL.`)
}
