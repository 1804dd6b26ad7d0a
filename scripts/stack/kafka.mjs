import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { serverAccount } from './account.mjs'
import { fetchKafka } from './fetch.mjs'
import { findJava } from './java.mjs'
import { countBrokers } from './kafka-probe.mjs'
import { kafkaProperties, propertiesText } from './kafka-properties.mjs'
import { choosePorts } from './ports.mjs'
import { launch } from './processes.mjs'
import { makeDirectory, stackDirectory, writeServerFile, writeState } from './state.mjs'
import { untilReady } from './until-ready.mjs'
import { kafkaVersion } from './versions.mjs'

/**
 * @param {{ brokers: number, port?: number, heap: string, settings: Record<string, string>,
 *   protocols: Record<string, string>, scram: Record<string, string>, reserved: ReadonlySet<number> }} options
 *   `protocols`: further listeners and their security protocols (`{ SASL: 'SASL_PLAINTEXT' }`)
 * @returns {Promise<import('./state.mjs').KafkaState>} a cluster with its ports chosen, nothing started
 */
export async function planKafka({ brokers, port, heap, settings, protocols, scram, reserved }) {
  const names = Object.keys(protocols)
  const ports = await choosePorts(brokers * (2 + names.length), reserved)
  const plan = (_, index) => ({
    id: index + 1,
    port: port === undefined ? ports.pop() : port + index,
    controllerPort: ports.pop(),
    listeners: Object.fromEntries(names.map((name) => [name, ports.pop()])),
  })
  // The first byte keeps the id from beginning with a dash, which a command line would take for an option.
  const clusterId = Buffer.concat([Buffer.from('E'), randomBytes(15)]).toString('base64url')
  const planned = Array.from({ length: brokers }, plan)
  return { version: kafkaVersion, clusterId, heap, settings, protocols, scram, brokers: planned }
}

/**
 * Starts one broker and returns as soon as its process runs; {@link kafkaReady} waits for it.
 *
 * @param {import('./state.mjs').State} state
 * @param {import('./state.mjs').Broker} broker whose `process` is set and kept
 * @param {(line: string) => void} tell
 */
export async function startBroker(state, broker, tell) {
  const jars = await fetchKafka(tell)
  const directory = makeDirectory(join(stackDirectory(state.name), `kafka-${broker.id}`))
  const temporary = makeDirectory(join(directory, 'tmp'))
  const data = makeDirectory(join(directory, 'data'))
  const properties = propertiesText(kafkaProperties(state.kafka, broker, data))
  const file = writeServerFile(join(directory, 'server.properties'), properties)
  const java = { directory, jars, temporary, heap: state.kafka.heap }
  if (!existsSync(join(data, 'meta.properties'))) await format(state.kafka, file, java)
  broker.process = await launch({
    command: javaCommand(),
    args: [...javaArguments(java), 'kafka.Kafka', file],
    cwd: directory,
    logPath: brokerLog(state.name, broker),
    account: serverAccount(),
  })
  writeState(state)
}

/** @param {string} name @param {import('./state.mjs').Broker} broker */
function brokerLog(name, broker) {
  return join(stackDirectory(name), `kafka-${broker.id}`, 'server.log')
}

/**
 * Waits until a broker answers and, while the whole cluster is started, knows all the others.
 *
 * @param {import('./state.mjs').State} state
 * @param {import('./state.mjs').Broker} broker
 * @param {{ cluster: number, tell: (line: string) => void }} options `cluster`: how many brokers it must know
 */
export async function kafkaReady(state, broker, { cluster, tell }) {
  await untilReady({
    what: `kafka ${broker.id}`,
    process: () => broker.process,
    probe: async () => (await countBrokers(broker.port)) >= cluster,
    logs: [brokerLog(state.name, broker)],
    tell,
  })
}

async function format({ clusterId, scram }, file, java) {
  const users = Object.entries(scram).flatMap(([name, password]) => [
    ...['--add-scram', `SCRAM-SHA-256=[name=${name},password=${password}]`],
    ...['--add-scram', `SCRAM-SHA-512=[name=${name},password=${password}]`],
  ])
  const tool = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', file, ...users]
  await promisify(execFile)(javaCommand(), [...javaArguments(java), '-XX:TieredStopAtLevel=1', ...tool], {
    cwd: java.directory,
    ...serverAccount(),
  })
}

function javaCommand() {
  return join(findJava(17).home, 'bin', 'java')
}

function javaArguments({ jars, temporary, heap }) {
  return [
    `-Xmx${heap}`,
    `-Djava.io.tmpdir=${temporary}`,
    '-Djava.awt.headless=true',
    '-Dorg.slf4j.simpleLogger.showDateTime=true',
    '-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    '-Dorg.slf4j.simpleLogger.log.kafka.server=info',
    '-cp',
    join(jars, '*'),
  ]
}
