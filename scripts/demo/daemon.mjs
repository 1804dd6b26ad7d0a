import { isFree } from '../stack/ports.mjs'
import { sendSignal } from '../stack/processes.mjs'
import { count } from './charts.mjs'
import { logEnd, logLines, logged, setArguments, startProgram, until } from './program.mjs'
import { workLine } from './show.mjs'

/**
 * @typedef {{ screen: import('./show.mjs').Screen, run: import('./run-record.mjs').Run, signal: AbortSignal,
 *   keep: boolean }} Demo
 * @typedef {{ program: import('./program.mjs').Program, admin: string }} Daemon `admin`: URL of its status page
 */

const usualAdminPort = 8686
const workTimeoutMs = 180_000

/** @param {Demo} demo @returns {Promise<string>} the URL of the reference NLP service, once it listens */
export async function startNlpService({ screen, run, signal }) {
  const program = startProgram(['nlp-server', '--port', '0'], { name: 'nlp-server', run, signal })
  const { msg } = await logged(program, (line) => /listening on \S+/.test(line.msg), { signal })
  const url = /listening on (\S+)/.exec(msg)[1]
  screen.item('NLP service', `${url} (node dist/main.js nlp-server)`)
  return url
}

/**
 * Starts the daemon and waits until it reads.
 *
 * @param {Demo} demo
 * @param {Record<string, string>} settings
 * @returns {Promise<Daemon>}
 */
export async function startDaemon({ screen, run, signal }, settings) {
  const port = (await isFree(usualAdminPort)) ? usualAdminPort : 0
  const args = ['run', ...setArguments({ ...settings, 'admin.port': port })]
  const program = startProgram(args, { name: 'enrichd', run, signal })
  const { admin } = await logged(program, ({ event }) => event === 'daemon.starting', { signal })
  screen.item('enrichd', `status page: ${admin}`)
  await logged(program, ({ event }) => event === 'daemon.running', { signal })
  return { program, admin }
}

/** @param {Daemon} daemon @param {AbortSignal} signal @returns what `/status` answers, and `settled`: records that are done */
export async function status({ program, admin }, signal) {
  try {
    const within = AbortSignal.any([signal, AbortSignal.timeout(5000)])
    const answer = await (await fetch(`${admin}status`, { signal: within })).json()
    const { processed, errors, dropped } = answer.counters
    return { ...answer, settled: processed + errors + dropped }
  } catch (cause) {
    signal.throwIfAborted()
    throw new Error(`enrichd does not answer. Its log ends so:\n${logEnd(program)}`, { cause })
  }
}

/**
 * Shows how the work goes until `total()` records are done.
 *
 * @param {Demo} demo
 * @param {Daemon} daemon
 * @param {{ total: () => number, fed?: Promise<unknown> }} options `fed`: when `total` is final
 * @returns the last status
 */
export async function watchWork({ screen, signal }, daemon, { total, fed = Promise.resolve() }) {
  let now = await status(daemon, signal)
  let final = false
  screen.live((width) => {
    const { processed, errors } = now.counters
    const behind = `${count(now.rates.recordsPerSecond)}/s: ${now.bottleneck.sentence}`
    return workLine({ done: processed + errors, total: total(), behind, width, blocks: screen.blocks })
  })
  const done = async () => {
    now = await status(daemon, signal)
    return final && now.settled >= total()
  }
  const what = () =>
    `${count(now.settled)} of ${count(total())} records were done: ${now.bottleneck.sentence}`
  const watched = until(done, { signal, timeoutMs: workTimeoutMs, what })
  await Promise.all([watched, fed.then(() => (final = true))])
  screen.endLive()
  return now
}

/**
 * Sends SIGTERM, waits for the end, and tells the drain in plain words.
 *
 * @param {Demo} demo
 * @param {Daemon} daemon
 * @param {string} last what is done before the end
 * @returns {Promise<Record<string, any>>} the log line of its end
 */
export async function drain({ screen }, { program }, last) {
  const signalled = sendSignal(program.id, 'SIGTERM')
  if (!signalled)
    screen.say('The input had come to its end before SIGTERM did, which drains in the same way.')
  const code = await program.exited
  const lines = logLines(program)
  const draining = lines.find(({ event }) => event === 'daemon.draining')
  const stopped = lines.find(({ event }) => event === 'daemon.stopped')
  if (code !== 0 || !draining || !stopped)
    throw new Error(`enrichd ended with exit code ${code}. Its log ends so:\n${logEnd(program)}`)
  const { inFlight, leftWaiting } = draining
  screen.item('at once', 'no more is read, no new NLP call begins, /readyz says no')
  screen.item('in flight', `${records(inFlight)}: their calls end, and they are indexed`)
  screen.item('not begun', `${records(leftWaiting)} that had been read are left where they are`)
  screen.item('then', `${last}: exit code 0, ${stopped.durationMs} ms after the signal`)
  return stopped
}

function records(number) {
  return `${count(number)} record${number === 1 ? '' : 's'}`
}
