import { execFile, execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const program = fileURLToPath(new URL('../../scripts/stack/stack.mjs', import.meta.url))
const exitNotAvailable = 3

/** The servers that all integration tests of a run share: tests keep apart by unique topics, groups and indices. */
export interface SharedStack {
  /**
   * The reason why tests must be skipped here, for `test(name, { skip: stack.skip }, …)`: for each test, since the
   * runner does not count the tests of a skipped suite.
   */
  readonly skip: string | false
  /** `host:port` of each broker; empty where `skip` is set. */
  readonly kafka: string[]
  /** The URL of Elasticsearch; empty where `skip` is set. */
  readonly elasticsearch: string
}

/**
 * The stack of this run, which `npm test` brings up and names in the environment; for a test that is run on its own,
 * the stack `dev` if it is up.
 *
 * @throws Error with CI=true where there is none: there it must not be skipped
 */
export function sharedStack(): SharedStack {
  const { TEST_STACK_KAFKA, TEST_STACK_ES, TEST_STACK_SKIP } = process.env
  if (TEST_STACK_KAFKA && TEST_STACK_ES) {
    return { skip: false, kafka: TEST_STACK_KAFKA.split(','), elasticsearch: TEST_STACK_ES }
  }
  const dev = TEST_STACK_SKIP ? undefined : runningStack('dev')
  if (dev?.elasticsearch) return { skip: false, kafka: dev.kafka, elasticsearch: dev.elasticsearch }
  const reason = TEST_STACK_SKIP || 'no servers: use `npm test`, or bring up `npm run stack -- up --name dev`'
  return { skip: skipOrFail(reason), kafka: [], elasticsearch: '' }
}

/**
 * For `test(name, { skip: cannotStartStack() }, …)` of tests that start servers of their own.
 *
 * @throws Error with CI=true where the servers must run; Elasticsearch 9 may be skipped there too, for want of Java 21
 */
export function cannotStartStack(options: { elasticsearch?: string } = {}): string | false {
  const { elasticsearch = '8' } = options
  try {
    execFileSync(process.execPath, [program, 'check', '--es', elasticsearch], { stdio: 'pipe' })
    return false
  } catch (error) {
    const { status, stderr } = error as { status: number | null; stderr: Buffer }
    if (status !== exitNotAvailable) throw error
    const reason = stderr.toString().trim()
    return elasticsearch.startsWith('9') ? cannotStartStack() || reason : skipOrFail(reason)
  }
}

function skipOrFail(reason: string): string {
  if (process.env.CI === 'true') throw new Error(`CI=true, so tests must not be skipped: ${reason}`)
  return reason
}

export interface StackOptions {
  /** Tells this test's stack from others of the same run; letters, digits and dashes. */
  readonly name: string
  /** One server alone; default both. */
  readonly only?: Server
  /** Default 1. */
  readonly brokers?: number
  /** `8` (default), `9` or a whole version. */
  readonly elasticsearch?: string
  /** Of the first broker's plaintext listener, the others' following it; default free ones. */
  readonly kafkaPort?: number
  /** Default `512m`. */
  readonly kafkaHeap?: string
  /** Default `512m`. */
  readonly esHeap?: string
  readonly kafkaSettings?: Readonly<Record<string, string>>
  readonly esSettings?: Readonly<Record<string, string>>
  /** Further listeners of each broker by name, with their security protocol: `{ SASL: 'SASL_SSL' }`. */
  readonly listeners?: Readonly<Record<string, string>>
  /** SCRAM users and their passwords. */
  readonly scram?: Readonly<Record<string, string>>
  /** Name in Elasticsearch's configuration directory → path of a file that is copied there. */
  readonly esFiles?: Readonly<Record<string, string>>
  /** Entries of Elasticsearch's keystore, for example `bootstrap.password`. */
  readonly esSecrets?: Readonly<Record<string, string>>
}

type Server = 'kafka' | 'es'

/** Servers of a test's own, to be stopped and killed at will. Ports and data stay the same through all of it. */
export interface OwnStack {
  /** `host:port` of each broker's plaintext listener. */
  readonly kafka: string[]
  /** `host:port` of each broker, by further listener. */
  readonly listeners: Readonly<Record<string, string[]>>
  /** The URL; empty with `only: 'kafka'`. */
  readonly elasticsearch: string
  /** Resolves once ready. `broker` counts from 1; without it all of them. */
  start(server: Server, broker?: number): Promise<void>
  /** SIGTERM; resolves once gone. */
  stop(server: Server, broker?: number): Promise<void>
  /** SIGKILL; resolves once gone. */
  kill(server: Server, broker?: number): Promise<void>
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(server: Server, broker?: number): Promise<void>
  /** SIGCONT. */
  resume(server: Server, broker?: number): Promise<void>
  /** Ends everything and deletes its data. */
  wipe(): Promise<void>
}

/**
 * Starts servers for one test, which wipes them: `t.after(() => stack.wipe())`. What a test leaves behind,
 * `npm test` wipes at its end. Takes 5 s for Kafka and about 15 s with Elasticsearch.
 */
export async function startStack(options: StackOptions): Promise<OwnStack> {
  const run = process.env.TEST_STACK_RUN ?? `test-${process.pid}`
  const name = `${run}-${options.name}`
  let described: Described
  try {
    described = await stack(['up', '--name', name, ...upArguments(options)])
  } catch (error) {
    await runStack(['wipe', '--name', name])
    throw error
  }
  const act = (action: string) => async (server: Server, broker?: number) => {
    await stack([
      action,
      server,
      '--name',
      name,
      ...(broker === undefined ? [] : ['--broker', String(broker)]),
    ])
  }
  return {
    kafka: described.kafka,
    listeners: described.listeners,
    elasticsearch: described.elasticsearch ?? '',
    start: act('start'),
    stop: act('stop'),
    kill: act('kill'),
    pause: act('pause'),
    resume: act('resume'),
    wipe: async () => {
      await runStack(['wipe', '--name', name])
    },
  }
}

function upArguments(options: StackOptions): string[] {
  const { only, brokers = 1, elasticsearch = '8', kafkaHeap = '512m', esHeap = '512m' } = options
  return [
    ...(only ? ['--only', only] : []),
    ...['--brokers', String(brokers), '--es', elasticsearch, '--kafka-heap', kafkaHeap, '--es-heap', esHeap],
    ...(options.kafkaPort === undefined ? [] : ['--kafka-port', String(options.kafkaPort)]),
    ...pairs('--kafka-set', options.kafkaSettings),
    ...pairs('--kafka-listener', options.listeners),
    ...pairs('--kafka-scram', options.scram),
    ...pairs('--es-set', options.esSettings),
    ...pairs('--es-file', options.esFiles),
    ...pairs('--es-secret', options.esSecrets),
  ]
}

function pairs(option: string, values: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(values).flatMap(([key, value]) => [option, `${key}=${value}`])
}

interface Described {
  readonly kafka: string[]
  readonly listeners: Record<string, string[]>
  readonly elasticsearch?: string
  readonly running: { readonly kafka: boolean[]; readonly elasticsearch: boolean }
}

async function stack(args: string[]): Promise<Described> {
  return JSON.parse(await runStack([...args, '--json'])) as Described
}

async function runStack(args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args])
  return stdout
}

function runningStack(name: string): Described | undefined {
  try {
    const args = [program, 'status', '--name', name, '--json']
    const output = execFileSync(process.execPath, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const described = JSON.parse(output) as Described
    return described.running.elasticsearch && described.running.kafka.every(Boolean) ? described : undefined
  } catch {
    return undefined
  }
}
