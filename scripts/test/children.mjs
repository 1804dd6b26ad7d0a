import { spawn } from 'node:child_process'

/** The process groups that are under way, by the pid of their leader. */
const groups = new Set()
let ended = false

/**
 * Runs a program in a process group of its own until it ends, and then ends what is left of the group.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, cwd?: string, output?: boolean, onStderr?: (text: string) => void,
 *   cleanUp?: boolean }} [options]
 *   `output`: collect what it prints; `onStderr`: gets what it prints there; `cleanUp`: also after {@link endChildren}
 * @returns {Promise<{ code: number, stdout: string }>} code 1 also if a signal ended it
 */
export async function run(command, args, options = {}) {
  const { env = process.env, cwd, output = false, onStderr, cleanUp = false } = options
  if (ended && !cleanUp) throw new Error('The run was ended.')
  const stdio = ['ignore', output ? 'pipe' : 'inherit', onStderr ? 'pipe' : 'inherit']
  const child = spawn(command, args, { env, cwd, stdio, detached: true })
  const chunks = []
  child.stdout?.on('data', (chunk) => chunks.push(chunk))
  child.stderr?.setEncoding('utf8').on('data', onStderr)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('spawn', () => groups.add(child.pid))
    child.once('exit', () => {
      signalGroup(child.pid, 'SIGKILL')
      groups.delete(child.pid)
    })
    child.once('close', (code) => resolve({ code: code ?? 1, stdout: Buffer.concat(chunks).toString() }))
  })
}

/** Ends everything that {@link run} has started, and lets it start nothing more but to clean up. */
export function endChildren() {
  ended = true
  for (const pid of groups) signalGroup(pid, 'SIGKILL')
}

function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal)
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}
