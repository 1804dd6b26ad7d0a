import { mkdtempSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { endChildren } from '../test/children.mjs'
import { stackKinds, stacksToTry } from './choose-stack.mjs'
import { demonstrateEmbedded } from './embedded.mjs'
import { sayHowToLook } from './kept.mjs'
import { prepare } from './prepare.mjs'
import { endRun, isLeftover, knownRuns, newRun, writeRun } from './run-record.mjs'
import { createScreen } from './screen.mjs'
import { bringUpServers } from './servers.mjs'
import { waitLine } from './show.mjs'
import { demonstrateWithServers } from './with-servers.mjs'

const usage = `npm run demo [-- OPTIONS]

  Brings up Kafka, Elasticsearch, the NLP service and enrichd, feeds them logs, shows what comes of it, and cleans up.

  --keep                          leaves everything running, and says how to look and how to stop
  --stop                          stops what --keep has left, and deletes its data
  --stack java|docker|embedded    this way and no other: servers through Maven, in containers, or none at all
  --help
`

const root = resolve(fileURLToPath(import.meta.url), '../../..')
const leastNode = [20, 19]
/** How long the demo may take to notice that it was interrupted, before what it has started is ended under it. */
const noticeMs = 3000

const screen = createScreen()
const ended = new AbortController()
const run = newRun()

async function demonstrate({ keep, stack }) {
  const demo = { screen, run, signal: ended.signal, keep }
  await endRuns(knownRuns().filter(isLeftover))
  run.directory = mkdtempSync(join(tmpdir(), 'enrichd-demo-'))
  writeRun(run)
  screen.heading('What it needs')
  await prepare(screen, root)
  const servers = await bringUp(stack)
  const daemon = servers ? await demonstrateWithServers(demo, servers) : await demonstrateEmbedded(demo)
  if (!keep) return
  run.keep = true
  writeRun(run)
  sayHowToLook(screen, { run, servers, admin: daemon.admin })
}

/** @returns {Promise<import('./servers.mjs').Servers | undefined>} undefined: none, the embedded way */
async function bringUp(wanted) {
  let failed = ''
  for await (const { kind, why } of stacksToTry({ wanted })) {
    screen.item('servers', `${describe(kind)}${failed} (${why})`)
    if (kind === 'embedded') return undefined
    try {
      return await bringUpOf(kind)
    } catch (error) {
      ended.signal.throwIfAborted()
      if (wanted) throw error
      screen.say(`That did not work, so another way is taken. ${error.message}`)
      await endServers()
    }
  }
}

function describe(kind) {
  if (kind === 'java') return 'a real Kafka and a real Elasticsearch, fetched through Maven'
  if (kind === 'docker') return 'a real Kafka and a real Elasticsearch, in containers of docker-compose.yml'
  return 'none: the embedded way, a file in and NDJSON out'
}

async function bringUpOf(kind) {
  const begun = performance.now()
  let what = 'Kafka and Elasticsearch are starting'
  screen.live((width) => waitLine({ what, begun, width, blocks: screen.blocks }))
  run.servers = { kind, name: `enrichd-demo-${process.pid}` }
  writeRun(run)
  const servers = await bringUpServers(run.servers, (line) => (what = line)).finally(() => screen.endLive())
  const seconds = Math.round((performance.now() - begun) / 1000)
  screen.item('Kafka', servers.kafka)
  screen.item('Elasticsearch', `${servers.elasticsearch} (both ready after ${seconds} s)`)
  return servers
}

async function endServers() {
  const { servers } = run
  delete run.servers
  await endRun({ ...run, directory: undefined, processes: {}, servers })
  writeRun(run)
}

async function endRuns(runs) {
  for (const one of runs) await endRun(one)
}

async function stopKept() {
  const kept = knownRuns().filter((one) => one.keep || isLeftover(one))
  if (kept.length === 0) screen.say('There is nothing to stop.')
  await endRuns(kept)
  if (kept.length > 0) screen.say('Stopped; nothing is left of it.')
}

/** Whatever ends the demo: everything that it has started is ended, and everything that it has made is deleted, once. */
function finish(exitCode) {
  finishing ??= (async () => {
    ended.abort(new Error('The demo was ended.'))
    endChildren()
    await Promise.race([story?.catch(() => undefined), sleep(noticeMs)])
    screen.endLive()
    if (!run.keep) await endRun(run)
    if (exitCode > 128) screen.say('Done: nothing is left of it.')
    process.exit(exitCode)
  })().catch((error) => {
    process.stderr.write(`Not everything could be cleaned up: ${error.message}\n`)
    process.exit(1)
  })
  return finishing
}

/** @type {Promise<never> | undefined} */
let finishing
/** @type {Promise<void> | undefined} */
let story

function listen() {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => {
      screen.endLive()
      if (!finishing) screen.say(`\nInterrupted (${signal}): cleaning up.`)
      void finish(128 + constants.signals[signal])
    })
  // Whoever read along has gone away (`| head`).
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => void finish(1))
}

function readArguments() {
  try {
    const boolean = { type: 'boolean', default: false }
    const { values } = parseArgs({
      options: { keep: boolean, stop: boolean, help: boolean, stack: { type: 'string' } },
    })
    if (values.stack && !stackKinds.includes(values.stack))
      throw new Error(`--stack is one of ${stackKinds.join(', ')}.`)
    return values
  } catch (error) {
    process.stderr.write(`${error.message}\n\n${usage}`)
    process.exit(2)
  }
}

function refuseOldNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > leastNode[0] || (major === leastNode[0] && minor >= leastNode[1])) return
  process.stderr.write(
    `enrichd needs Node ${leastNode.join('.')} or newer; this is ${process.versions.node}.\n`,
  )
  process.exit(1)
}

refuseOldNode()
const options = readArguments()
if (options.help) {
  process.stdout.write(usage)
  process.exit(0)
}
listen()
story = options.stop ? stopKept() : demonstrate(options)
await story.then(
  async () => {
    if (!run.keep && !options.stop)
      screen.say('\nThat was all; nothing is left running. README.md says how to go on.')
    await finish(0)
  },
  async (error) => {
    if (finishing) return finishing
    screen.endLive()
    process.stderr.write(`\nThe demo could not go on: ${error.message}\n`)
    await finish(1)
  },
)
