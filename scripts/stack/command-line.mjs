import { parseArgs } from 'node:util'

export const usage = `npm run stack -- COMMAND [options]     a real Kafka and a real Elasticsearch, without Docker

  up                       fetches what is missing, starts what does not run, waits until all is ready
  down                     stops the servers; ports and data stay
  status                   which servers run, and where
  wipe                     down, and deletes everything of the stack
  start|stop SERVER        one of them: kafka or es; with --broker N one broker
  kill SERVER              by SIGKILL
  pause|resume SERVER      by SIGSTOP and SIGCONT
  fetch                    only fetches
  check                    whether this machine can run the stack, and if not why (exit code 3)

  --name NAME              which stack (dev); stacks run side by side
  --all                    down, status, wipe: every stack of this clone
  --json                   the result as one JSON object
For a new stack:
  --only kafka|es          one server alone
  --brokers N              1 to 5 Kafka brokers (1)
  --es 8|9|VERSION         Elasticsearch's version (8); 9 needs Java 21
  --kafka-port N, --es-port N       instead of free ports; brokers take N, N+1, …
  --kafka-heap 512m, --es-heap 1g
  --kafka-set KEY=VALUE, --es-set KEY=VALUE      further settings, repeatable
  --kafka-listener NAME=PROTOCOL    a further listener, for example SASL=SASL_PLAINTEXT, repeatable
  --kafka-scram USER=PASSWORD       a SCRAM user, repeatable
  --es-file NAME=PATH               a file copied to Elasticsearch's configuration, repeatable
  --es-secret KEY=VALUE             an entry of Elasticsearch's keystore, repeatable
`

/** Wrong usage: the message goes out with the usage, and the exit code is 2. */
export class UsageError extends Error {}

const text = { type: 'string' }
const list = { type: 'string', multiple: true, default: [] }
const options = {
  name: { ...text, default: 'dev' },
  all: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
  only: text,
  broker: text,
  brokers: { ...text, default: '1' },
  es: { ...text, default: '8' },
  'kafka-port': text,
  'es-port': text,
  'kafka-heap': { ...text, default: '512m' },
  'es-heap': { ...text, default: '1g' },
  'kafka-set': list,
  'kafka-listener': list,
  'kafka-scram': list,
  'es-set': list,
  'es-file': list,
  'es-secret': list,
}

/**
 * @param {string[]} argv
 * @throws {UsageError}
 */
export function parseCommandLine(argv) {
  const { values, positionals } = parse(argv)
  const [command = 'help', server, ...rest] = positionals
  if (rest.length > 0) throw new UsageError(`Too many arguments: ${rest.join(' ')}`)
  return {
    command: values.help ? 'help' : command,
    server: oneOf('the server', ['kafka', 'es'], server),
    broker: wholeNumber('broker', values.broker, [1, 5]),
    name: values.name,
    all: values.all,
    json: values.json,
    elasticsearch: values.es,
    shape: {
      name: values.name,
      only: oneOf('--only', ['kafka', 'es'], values.only),
      brokers: wholeNumber('brokers', values.brokers, [1, 5]),
      elasticsearch: values.es,
      kafkaPort: wholeNumber('kafka-port', values['kafka-port'], [1, 65_535]),
      esPort: wholeNumber('es-port', values['es-port'], [1, 65_535]),
      kafkaHeap: values['kafka-heap'],
      esHeap: values['es-heap'],
      kafkaSettings: pairs('kafka-set', values),
      protocols: pairs('kafka-listener', values),
      scram: pairs('kafka-scram', values),
      esSettings: pairs('es-set', values),
      esFiles: pairs('es-file', values),
      esSecrets: pairs('es-secret', values),
    },
  }
}

function parse(argv) {
  try {
    return parseArgs({ args: argv, options, allowPositionals: true })
  } catch (error) {
    throw new UsageError(error.message)
  }
}

function wholeNumber(name, value, [min, max]) {
  if (value === undefined) return undefined
  const number = Number(value)
  if (Number.isInteger(number) && number >= min && number <= max) return number
  throw new UsageError(`--${name} is a whole number from ${min} to ${max}, not "${value}".`)
}

function oneOf(name, allowed, value) {
  if (value === undefined || allowed.includes(value)) return value
  throw new UsageError(`${name} is one of ${allowed.join(', ')}, not "${value}".`)
}

function pairs(name, values) {
  const split = (pair) => {
    const at = pair.indexOf('=')
    if (at < 1) throw new UsageError(`--${name} takes KEY=VALUE, not "${pair}".`)
    return [pair.slice(0, at), pair.slice(at + 1)]
  }
  return Object.fromEntries(values[name].map(split))
}
