import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import {
  elasticsearchReady,
  elasticsearchUrl,
  findElasticsearchAgain,
  planElasticsearch,
  startElasticsearch,
} from './elasticsearch.mjs'
import { fetchElasticsearch, fetchKafka } from './fetch.mjs'
import { kafkaReady, planKafka, startBroker } from './kafka.mjs'
import { withLock } from './lock.mjs'
import { stacksDirectory } from './paths.mjs'
import { endProcess, isRunning, sendSignal } from './processes.mjs'
import { readState, reservedPorts, stackDirectory, writeState } from './state.mjs'
import { elasticsearchVersion } from './versions.mjs'

/** @typedef {import('./state.mjs').State} State */
/** @typedef {'kafka' | 'es'} Server */

const graceMs = { kafka: 15_000, es: 15_000 }

/**
 * Brings a stack up: plans it if it is new, starts what does not run, waits until all of it is ready.
 * Options that shape it count only for a new one.
 *
 * @param {{ name: string, only?: Server, brokers: number, elasticsearch: string, kafkaPort?: number, esPort?: number,
 *   kafkaHeap: string, esHeap: string, kafkaSettings: Record<string, string>, protocols: Record<string, string>,
 *   scram: Record<string, string>, esSettings: Record<string, string>, esFiles: Record<string, string>,
 *   esSecrets: Record<string, string> }} options
 * @param {(line: string) => void} tell
 * @returns {Promise<State>}
 */
export async function up(options, tell) {
  return withStack(options.name, async () => {
    const state = readState(options.name) ?? (await plan(options))
    if (state.kafka) await fetchKafka(tell)
    if (state.elasticsearch) await fetchElasticsearch(state.elasticsearch.version, tell)
    await startAll(state, serversOf(state), tell)
    return state
  })
}

async function plan(options) {
  const chooseAndKeep = async () => {
    const reserved = new Set(reservedPorts())
    const state = { name: options.name }
    if (options.only !== 'es') {
      const { brokers, kafkaPort: port, kafkaHeap: heap, kafkaSettings: settings, protocols, scram } = options
      state.kafka = await planKafka({ brokers, port, heap, settings, protocols, scram, reserved })
    }
    if (options.only !== 'kafka') {
      const { esPort: port, esHeap: heap, esSettings: settings, esFiles: files, esSecrets: secrets } = options
      const version = elasticsearchVersion(options.elasticsearch)
      state.elasticsearch = await planElasticsearch({
        version,
        port,
        heap,
        settings,
        files,
        secrets,
        reserved,
      })
    }
    writeState(state)
    return state
  }
  return withLock(join(stacksDirectory(), 'ports.lock'), chooseAndKeep)
}

/** One of a stack's servers, by the functions that differ. */
function serversOf(state, { server, broker } = {}) {
  findElasticsearchAgain(state)
  const { kafka, elasticsearch } = state
  const brokers = (kafka?.brokers ?? []).filter(({ id }) => broker === undefined || id === broker)
  const all = [
    ...brokers.map((one) => ({ kind: 'kafka', holder: one, broker: one })),
    ...(elasticsearch ? [{ kind: 'es', holder: elasticsearch }] : []),
  ]
  const chosen = all.filter(({ kind }) => server === undefined || kind === server)
  if (chosen.length === 0) {
    throw new Error(`The stack "${state.name}" has no ${server ?? 'server'}${broker ? ` ${broker}` : ''}.`)
  }
  return chosen
}

function startAll(state, targets, tell) {
  const started = new Set(targets.map(({ holder }) => holder))
  const brokers = state.kafka?.brokers ?? []
  const cluster = brokers.filter((broker) => started.has(broker) || isRunning(broker.process)).length
  return allOrFirstError(targets.map((target) => start(state, target, { cluster, tell })))
}

async function start(state, { kind, holder, broker }, { cluster, tell }) {
  if (!isRunning(holder.process)) {
    if (kind === 'kafka') await startBroker(state, broker, tell)
    else await startElasticsearch(state, tell)
  }
  if (kind === 'es') return elasticsearchReady(state, tell)
  return kafkaReady(state, broker, { cluster, tell })
}

/** Waits for all, so that nothing goes on behind our back, and then fails with the first error. */
async function allOrFirstError(promises) {
  const failed = (await Promise.allSettled(promises)).filter(({ status }) => status === 'rejected')
  if (failed.length > 0) throw failed[0].reason
}

/**
 * Starts, stops, kills (SIGKILL), pauses (SIGSTOP) or resumes some of a stack's servers, on the same ports and data.
 * Starting waits until they are ready, stopping and killing until they are gone.
 *
 * @param {'start' | 'stop' | 'kill' | 'pause' | 'resume'} action
 * @param {{ name: string, server?: Server, broker?: number }} target
 * @param {(line: string) => void} tell
 * @returns {Promise<State>}
 */
export async function control(action, { name, server, broker }, tell) {
  return withStack(name, async () => {
    const state = existing(name)
    const targets = serversOf(state, { server, broker })
    if (action === 'start') await startAll(state, targets, tell)
    else await allOrFirstError(targets.map((target) => act(action, { state, target })))
    return state
  })
}

async function act(action, { state, target }) {
  const { kind, holder } = target
  if (action === 'stop') return endProcess(holder.process, graceMs[kind])
  if (action === 'kill') return endProcess(holder.process, 0)
  if (!sendSignal(holder.process, action === 'pause' ? 'SIGSTOP' : 'SIGCONT')) {
    throw new Error(`${kind} of the stack "${state.name}" is not running.`)
  }
}

/** Stops all servers; ports and data stay for the next `up`. @param {string} name */
export async function down(name) {
  if (readState(name)) await control('stop', { name }, () => undefined)
}

/** Ends all servers at once and deletes everything of the stack. @param {string} name */
export async function wipe(name) {
  if (!existsSync(stackDirectory(name))) return
  await withStack(name, async () => {
    const state = readState(name)
    if (state) await Promise.all(serversOf(state).map(({ holder }) => endProcess(holder.process, 0)))
    rmSync(stackDirectory(name), { recursive: true, force: true, maxRetries: 5 })
  })
}

/**
 * @param {State} state
 * @returns what users of the stack need: addresses, and which servers run
 */
export function describe(state) {
  findElasticsearchAgain(state)
  const { name, kafka, elasticsearch } = state
  const brokers = kafka?.brokers ?? []
  const names = Object.keys(kafka?.protocols ?? {})
  const address = (port) => `127.0.0.1:${port}`
  return {
    name,
    directory: stackDirectory(name),
    kafka: brokers.map(({ port }) => address(port)),
    listeners: Object.fromEntries(
      names.map((listener) => [listener, brokers.map(({ listeners }) => address(listeners[listener]))]),
    ),
    elasticsearch: elasticsearch ? elasticsearchUrl(elasticsearch) : undefined,
    versions: { kafka: kafka?.version, elasticsearch: elasticsearch?.version },
    running: {
      kafka: brokers.map(({ process }) => isRunning(process)),
      elasticsearch: isRunning(elasticsearch?.process),
    },
  }
}

/** @param {string} name @returns {State} */
export function existing(name) {
  const state = readState(name)
  if (!state)
    throw new Error(`There is no stack "${name}"; \`npm run stack -- up --name ${name}\` makes one.`)
  return state
}

function withStack(name, work) {
  stackDirectory(name)
  return withLock(join(stacksDirectory(), `${name}.lock`), work)
}
