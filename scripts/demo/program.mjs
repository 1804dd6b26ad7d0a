import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { isRunning, processId } from '../stack/processes.mjs'
import { writeRun } from './run-record.mjs'

const main = resolve(fileURLToPath(import.meta.url), '../../../dist/main.js')

/**
 * A process of `node dist/main.js …`, which outlives the demo if it is kept: its output goes to a file.
 *
 * @typedef {{ logPath: string, id: import('../stack/processes.mjs').ProcessId,
 *   exited: Promise<number | null> }} Program
 */

/**
 * Starts `node dist/main.js` with these arguments, in a process group of its own, so that Ctrl-C reaches only the demo.
 *
 * @param {string[]} args
 * @param {{ name: string, run: import('./run-record.mjs').Run, signal: AbortSignal }} options `name`: of its log
 * @returns {Program}
 */
export function startProgram(args, { name, run, signal }) {
  signal.throwIfAborted()
  const logPath = join(run.directory, `${name}.log`)
  const log = openSync(logPath, 'a')
  const child = spawn(process.execPath, [main, ...args], {
    cwd: run.directory,
    env: plainEnvironment(process.env),
    stdio: ['ignore', log, log],
    detached: true,
  })
  closeSync(log)
  const exited = new Promise((settle) => child.once('exit', settle).once('error', () => settle(null)))
  const id = processId(child.pid) ?? { pid: child.pid, startedAt: 'gone' }
  run.processes[name] = id
  writeRun(run)
  return { logPath, id, exited }
}

/** Settings and proxies of whoever runs the demo are not meant for it. @param {NodeJS.ProcessEnv} environment */
export function plainEnvironment(environment) {
  const foreign = /^ENRICHD_|^(https?|all)_proxy$/i
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !foreign.test(name)))
}

/** @param {Record<string, string | number>} settings @returns {string[]} `--set key=value …` */
export function setArguments(settings) {
  return Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`])
}

/** @param {Pick<Program, 'logPath'>} program @returns {Record<string, any>[]} its log lines so far */
export function logLines({ logPath }) {
  if (!existsSync(logPath)) return []
  const whole = readFileSync(logPath, 'utf8').split('\n').slice(0, -1)
  return whole.map((line) => {
    try {
      return JSON.parse(line)
    } catch {
      return { msg: line }
    }
  })
}

/**
 * The first log line for which `test` holds, once it is there.
 *
 * @param {Program} program
 * @param {(line: Record<string, any>) => boolean} test
 * @param {{ signal: AbortSignal, timeoutMs?: number }} options
 */
export function logged(program, test, { signal, timeoutMs = 30_000 }) {
  const what = () => `The program did not start as it should. Its log ends so:\n${logEnd(program)}`
  const look = () => {
    const found = logLines(program).find(test)
    if (!found && !isRunning(program.id)) throw new Error(what())
    return found
  }
  return until(look, { signal, timeoutMs, what })
}

/** @param {Program} program */
export function logEnd({ logPath }) {
  const text = existsSync(logPath) ? readFileSync(logPath, 'utf8') : ''
  return text.trimEnd().split('\n').slice(-15).join('\n')
}

/**
 * Asks until there is an answer that is not undefined or false.
 *
 * @template T
 * @param {() => T | Promise<T>} ask
 * @param {{ signal: AbortSignal, timeoutMs: number, what: () => string, everyMs?: number }} options
 * @returns {Promise<T>}
 */
export async function until(ask, { signal, timeoutMs, what, everyMs = 100 }) {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    signal.throwIfAborted()
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
    if (performance.now() > deadline) throw new Error(what())
    await sleep(everyMs, undefined, { signal })
  }
}
