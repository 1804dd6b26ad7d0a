import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { count } from './charts.mjs'
import { drain, startDaemon, startNlpService, status } from './daemon.mjs'
import { writeLogFile } from './feed.mjs'
import { generateLogs, lastHour } from './generate-logs.mjs'
import { documentsView } from './index-view.mjs'
import { until } from './program.mjs'
import { showView, workLine } from './show.mjs'

const seed = 2026
const sizes = { records: 6000, behind: 6000 }

/**
 * The demo without servers: a file in, NDJSON out. As a file has an end at which the daemon drains by itself, SIGTERM comes
 * while there is more to read.
 *
 * @param {import('./daemon.mjs').Demo} demo
 */
export async function demonstrateEmbedded(demo) {
  const { screen, run } = demo
  const span = lastHour()
  const files = placesIn(run.directory)
  const hour = generateLogs({ seed, endMs: span.toMs, records: sizes.records }).flat()
  const behind = generateLogs({ seed: seed + 1, endMs: span.toMs, records: sizes.behind }).flat()
  writeLogFile(files.logs, [...hour, ...behind])
  const nlp = await startNlpService(demo)
  const daemon = await startDaemon(demo, {
    'source.type': 'file',
    'source.path': files.logs,
    'sink.type': 'file',
    'sink.path': files.documents,
    'deadLetter.path': files.deadLetters,
    'nlp.url': nlp,
  })
  const total = hour.length + behind.length
  screen.heading('An hour of logs of six services')
  screen.say(`${count(total)} records with bursts, stack traces and a few that are broken, in ${files.logs}.`)
  if (demo.keep) await daemon.program.exited
  else await read(demo, daemon, { until: hour.length, total })
  const view = () => documentsView(documentsIn(files.documents), span)
  if (!demo.keep) {
    screen.heading('SIGTERM, while there is more to read')
    await drain(demo, daemon, 'the documents are in their file')
  }
  const [documents, deadLetters] = [files.documents, files.deadLetters].map((path) => linesOf(path).length)
  screen.item(
    'the balance',
    `${count(total)} lines = ${count(documents)} documents + ${count(deadLetters)} dead letters + ` +
      `${count(total - documents - deadLetters)} not begun`,
  )
  screen.heading(`What is in ${files.documents}`)
  showView(screen, view(), span)
  return daemon
}

/** @param {string} directory */
export function placesIn(directory) {
  const [logs, documents, deadLetters] = ['logs', 'documents', 'dead-letters'].map((name) =>
    join(directory, `${name}.ndjson`),
  )
  return { logs, documents, deadLetters }
}

async function read({ screen, signal }, daemon, { until: wanted, total }) {
  let now = await status(daemon, signal)
  const behind = () => `${count(now.rates.recordsPerSecond)}/s: ${now.bottleneck.sentence}`
  screen.live((width) =>
    workLine({ done: now.settled, total, behind: behind(), width, blocks: screen.blocks }),
  )
  const enough = async () => {
    now = await status(daemon, signal)
    return now.settled >= wanted
  }
  const what = () => `${count(now.settled)} of ${count(total)} records were done after two minutes.`
  await until(enough, { signal, timeoutMs: 120_000, what, everyMs: 20 })
  screen.endLive()
}

function documentsIn(path) {
  return linesOf(path).map((line) => JSON.parse(line))
}

function linesOf(path) {
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8').split('\n').slice(0, -1)
}
