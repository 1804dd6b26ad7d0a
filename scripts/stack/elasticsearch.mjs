import { execFile } from 'node:child_process'
import { cpSync, existsSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { serverAccount } from './account.mjs'
import { answers } from './elasticsearch-probe.mjs'
import { fetchElasticsearch } from './fetch.mjs'
import { findJava } from './java.mjs'
import { choosePorts } from './ports.mjs'
import { commandLineOf, isRunning, launch, processId } from './processes.mjs'
import { giveToServers, makeDirectory, stackDirectory, writeServerFile, writeState } from './state.mjs'
import { untilReady } from './until-ready.mjs'
import { javaForElasticsearch } from './versions.mjs'

/**
 * @param {{ version: string, port?: number, heap: string, settings: Record<string, string>,
 *   files: Record<string, string>, secrets: Record<string, string>, reserved: ReadonlySet<number> }} options
 *   `files`: name in its configuration directory → path of a file to copy; `secrets` go to its keystore
 * @returns {Promise<import('./state.mjs').ElasticsearchState>} a server with its ports chosen, not started
 */
export async function planElasticsearch({ port, reserved, ...plan }) {
  const [chosen, transportPort] = await choosePorts(2, reserved)
  return { ...plan, port: port ?? chosen, transportPort }
}

/**
 * Starts the server and returns as soon as its process runs; {@link elasticsearchReady} waits for it.
 *
 * @param {import('./state.mjs').State} state whose `elasticsearch.process` is set and kept
 * @param {(line: string) => void} tell
 */
export async function startElasticsearch(state, tell) {
  const server = state.elasticsearch
  const home = await fetchElasticsearch(server.version, tell)
  const places = makePlaces(state.name)
  const environment = {
    ES_JAVA_HOME: findJava(javaForElasticsearch(server.version)).home,
    ES_JAVA_OPTS: `-Xms${server.heap} -Xmx${server.heap}`,
    ES_PATH_CONF: places.config,
    ES_TMPDIR: places.tmp,
  }
  await configure(server, { home, places, environment })
  rmSync(places.pid, { force: true })
  // `-d`: the launcher, itself a Java program, ends once the server is up, and the server is what we keep track of.
  const launcher = await launch({
    command: join(home, 'bin', 'elasticsearch'),
    args: ['-d', '-p', places.pid],
    cwd: places.directory,
    env: environment,
    logPath: join(places.logs, 'launcher.log'),
    account: serverAccount(),
  })
  server.process = launcher
  writeState(state)
  server.process = await serverProcess(launcher, places)
  writeState(state)
}

/**
 * Finds the server again by its own pid file, when whoever started it was ended before it could note it.
 *
 * @param {import('./state.mjs').State} state
 */
export function findElasticsearchAgain(state) {
  const server = state.elasticsearch
  const places = placesOf(state.name)
  if (!server || isRunning(server.process) || !existsSync(places.pid)) return
  const pid = Number(readFileSync(places.pid, 'utf8'))
  if (commandLineOf(pid).includes(`-Djava.io.tmpdir=${places.tmp} `)) server.process = processId(pid)
}

/** @param {import('./state.mjs').State} state @param {(line: string) => void} tell */
export async function elasticsearchReady(state, tell) {
  const { logs } = placesOf(state.name)
  await untilReady({
    what: 'elasticsearch',
    process: () => state.elasticsearch.process,
    probe: () => answers(elasticsearchUrl(state.elasticsearch)),
    logs: [join(logs, 'launcher.log'), join(logs, 'elasticsearch.log')],
    tell,
  })
}

/** @param {import('./state.mjs').ElasticsearchState} server */
export function elasticsearchUrl({ settings, port }) {
  const scheme = settings['xpack.security.http.ssl.enabled'] === 'true' ? 'https' : 'http'
  return `${scheme}://127.0.0.1:${port}`
}

function placesOf(name) {
  const directory = join(stackDirectory(name), 'elasticsearch')
  const [config, data, logs, tmp, pid] = ['config', 'data', 'logs', 'tmp', 'pid'].map((part) =>
    join(directory, part),
  )
  return { directory, config, data, logs, tmp, pid }
}

function makePlaces(name) {
  const places = placesOf(name)
  for (const path of [places.directory, places.config, places.data, places.logs, places.tmp])
    makeDirectory(path)
  return places
}

async function configure(server, { home, places, environment }) {
  if (!existsSync(join(places.config, 'jvm.options'))) {
    cpSync(join(home, 'config'), places.config, { recursive: true })
    for (const name of readdirSync(places.config)) giveToServers(join(places.config, name))
    writeServerFile(
      join(places.config, 'jvm.options'),
      jvmOptions(join(home, 'config', 'jvm.options'), places),
    )
  }
  for (const [name, path] of Object.entries(server.files)) {
    writeServerFile(join(places.config, name), readFileSync(path))
  }
  writeServerFile(join(places.config, 'elasticsearch.yml'), settingsText(server, places))
  if (existsSync(join(places.config, 'elasticsearch.keystore'))) return
  for (const [key, value] of Object.entries(server.secrets)) {
    await addSecret(join(home, 'bin', 'elasticsearch-keystore'), [key, value], { places, environment })
  }
}

/** The server runs in its home directory, where it may not write: relative paths become ours, and no log of the heap. */
function jvmOptions(path, { data, logs }) {
  const lines = readFileSync(path, 'utf8').split('\n')
  return lines
    .filter((line) => !line.includes('-Xlog:gc'))
    .map((line) => line.replace('=logs/', `=${logs}/`).replace(/=data$/, `=${data}`))
    .join('\n')
}

async function addSecret(tool, [key, value], { places, environment }) {
  const options = {
    cwd: places.directory,
    env: { PATH: process.env.PATH, ...environment },
    ...serverAccount(),
  }
  await new Promise((resolve, reject) => {
    const args = ['add', '--stdin', '--force', key]
    const child = execFile(tool, args, options, (error) => (error ? reject(error) : resolve()))
    // The keystore is made on first use.
    child.stdin.end(`${value}\n`)
  })
}

function settingsText(server, { data, logs }) {
  const settings = {
    'cluster.name': 'elasticsearch',
    'node.name': 'stack',
    'discovery.type': 'single-node',
    'network.host': '127.0.0.1',
    'http.port': String(server.port),
    'transport.port': String(server.transportPort),
    'path.data': data,
    'path.logs': logs,
    'xpack.security.enabled': 'false',
    'action.auto_create_index': 'true',
    'cluster.routing.allocation.disk.threshold_enabled': 'false',
    ...server.settings,
  }
  return Object.entries(settings)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
    .join('')
}

/** The server writes its pid early in its start; until then the launcher stands for it. */
async function serverProcess(launcher, { pid, logs }) {
  for (;;) {
    const text = existsSync(pid) ? readFileSync(pid, 'utf8').trim() : ''
    const id = text ? processId(Number(text)) : undefined
    if (id) return id
    if (!isRunning(launcher)) {
      const log = readFileSync(join(logs, 'launcher.log'), 'utf8').trimEnd().split('\n')
      throw new Error(`elasticsearch did not start:\n${log.slice(-20).join('\n')}`)
    }
    await sleep(100)
  }
}
