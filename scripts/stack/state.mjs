import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { serverAccount } from './account.mjs'
import { stacksDirectory } from './paths.mjs'

/**
 * What is known of a stack, kept in `state.json` of its directory.
 *
 * @typedef {import('./processes.mjs').ProcessId} ProcessId
 * @typedef {{ id: number, port: number, controllerPort: number, listeners: Record<string, number>,
 *   process?: ProcessId }} Broker
 * @typedef {{ version: string, clusterId: string, heap: string, settings: Record<string, string>,
 *   protocols: Record<string, string>, scram: Record<string, string>, brokers: Broker[] }} KafkaState
 * @typedef {{ version: string, heap: string, settings: Record<string, string>, files: Record<string, string>,
 *   secrets: Record<string, string>, port: number, transportPort: number,
 *   process?: ProcessId }} ElasticsearchState
 * @typedef {{ name: string, kafka?: KafkaState, elasticsearch?: ElasticsearchState }} State
 */

/** @param {string} name */
export function stackDirectory(name) {
  if (!/^[a-z0-9][a-z0-9._-]{0,60}$/i.test(name)) {
    throw new Error(`A stack's name is made of letters, digits, dot, dash and underscore, not "${name}".`)
  }
  return join(stacksDirectory(), name)
}

/** @param {string} name @returns {State | undefined} undefined if there is no such stack */
export function readState(name) {
  const path = join(stackDirectory(name), 'state.json')
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined
}

/** @param {State} state */
export function writeState(state) {
  const path = join(makeDirectory(stackDirectory(state.name)), 'state.json')
  writeFileSync(`${path}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

/** @returns {string[]} */
export function stackNames() {
  const root = stacksDirectory()
  if (!existsSync(root)) return []
  return readdirSync(root).filter((name) => existsSync(join(root, name, 'state.json')))
}

/** Every port that a stack of this clone holds, also while it is down. */
export function reservedPorts() {
  const states = stackNames().map((name) => readState(name))
  return new Set(states.flatMap((state) => (state ? portsOf(state) : [])))
}

function portsOf({ kafka, elasticsearch }) {
  const brokers = kafka?.brokers ?? []
  const ofBrokers = brokers.flatMap((broker) => [
    broker.port,
    broker.controllerPort,
    ...Object.values(broker.listeners),
  ])
  return elasticsearch ? [...ofBrokers, elasticsearch.port, elasticsearch.transportPort] : ofBrokers
}

/** Makes a directory that belongs to the servers' account. */
export function makeDirectory(path) {
  mkdirSync(path, { recursive: true, mode: 0o755 })
  return giveToServers(path)
}

/** @param {string} path of a file or directory, which then belongs to the servers' account */
export function giveToServers(path) {
  const account = serverAccount()
  if (account) chownSync(path, account.uid, account.gid)
  return path
}

/** Writes a file that only the servers' account may read. */
export function writeServerFile(path, content) {
  writeFileSync(path, content)
  chmodSync(path, 0o600)
  return giveToServers(path)
}
