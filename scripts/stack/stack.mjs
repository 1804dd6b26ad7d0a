import { parseCommandLine, usage, UsageError } from './command-line.mjs'
import { fetchElasticsearch, fetchKafka } from './fetch.mjs'
import { control, describe, down, existing, up, wipe } from './stack-commands.mjs'
import { readState, stackNames } from './state.mjs'
import { elasticsearchVersion, reasonNotAvailable } from './versions.mjs'

/** This machine cannot run the stack. */
const exitNotAvailable = 3

const tell = (line) => process.stderr.write(`stack: ${line}\n`)

const commands = {
  up: async ({ shape, json }) => {
    refuseWhereNotAvailable(shape.elasticsearch)
    print(describe(await up(shape, tell)), json)
  },
  down: (options) => forEach(options, down),
  wipe: (options) => forEach(options, wipe),
  status,
  fetch: async ({ elasticsearch }) => {
    refuseWhereNotAvailable(elasticsearch)
    await fetchKafka(tell)
    await fetchElasticsearch(elasticsearchVersion(elasticsearch), tell)
  },
  check: ({ elasticsearch }) => refuseWhereNotAvailable(elasticsearch),
  help: () => process.stdout.write(usage),
}
for (const action of ['start', 'stop', 'kill', 'pause', 'resume']) {
  commands[action] = async ({ name, server, broker, json }) => {
    if (!server) throw new UsageError(`${action} needs a server: kafka or es.`)
    print(describe(await control(action, { name, server, broker }, tell)), json)
  }
}

class NotAvailable extends Error {}

function refuseWhereNotAvailable(elasticsearch) {
  const reason = reasonNotAvailable(elasticsearch)
  if (reason) throw new NotAvailable(`The stack cannot run here: ${reason}.`)
}

async function forEach({ name, all }, work) {
  for (const one of all ? stackNames() : [name]) await work(one)
}

function status({ name, all, json }) {
  const states = all ? stackNames().map((one) => readState(one)) : [existing(name)]
  const described = states.map(describe)
  if (json) process.stdout.write(`${JSON.stringify(all ? described : described[0])}\n`)
  else for (const one of described) print(one, false)
}

function print(described, json) {
  const { name, kafka, listeners, elasticsearch, running } = described
  if (json) {
    process.stdout.write(`${JSON.stringify(described)}\n`)
    return
  }
  const runs = [...running.kafka, ...(elasticsearch ? [running.elasticsearch] : [])]
  const word = runs.every(Boolean) ? 'up' : runs.some(Boolean) ? 'partly up' : 'down'
  const lines = [`STACK=${name} (${word})`]
  if (kafka.length > 0) lines.push(`KAFKA=${kafka.join(',')}`)
  for (const [listener, addresses] of Object.entries(listeners))
    lines.push(`KAFKA_${listener}=${addresses.join(',')}`)
  if (elasticsearch) lines.push(`ES_URL=${elasticsearch}`)
  process.stdout.write(`${lines.join('\n')}\n`)
}

async function main(argv) {
  try {
    const options = parseCommandLine(argv)
    const command = commands[options.command]
    if (!command) throw new UsageError(`There is no command "${options.command}".`)
    await command(options)
  } catch (error) {
    const wrongUsage = error instanceof UsageError
    process.stderr.write(`stack: ${error.message}\n${wrongUsage ? `\n${usage}` : ''}`)
    process.exitCode = wrongUsage ? 2 : error instanceof NotAvailable ? exitNotAvailable : 1
  }
}

await main(process.argv.slice(2))
