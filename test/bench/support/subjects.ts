import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { uniqueName } from '../../support/kafka-test-client.js'
import type { Bench } from './bench.js'
import { BenchProcess } from './bench-process.js'
import { daemonProgram, setArguments } from './bench-stack.js'

const bareLoopProgram = fileURLToPath(new URL('../programs/bare-loop.mjs', import.meta.url))
const bareBulksProgram = fileURLToPath(new URL('../programs/bare-bulks.mjs', import.meta.url))
const bareCallsProgram = fileURLToPath(new URL('../programs/bare-calls.mjs', import.meta.url))

/** Where a run takes its records from, and where they go. */
export interface Places {
  readonly topic: string
  readonly index: string
  /** Default: one that nobody has used. */
  readonly group?: string
  /** Default: that of the stack. */
  readonly elasticsearch?: string
}

/** Something that does the job, to be compared with others. */
export interface Subject {
  readonly name: string
  start(bench: Bench, places: Places): BenchProcess
}

export type Settings = Readonly<Record<string, string | number | boolean>>

export interface DaemonOptions {
  readonly nodeOptions?: readonly string[]
  /** Default: the build under measurement. */
  readonly program?: string
}

/** The daemon as it is run in earnest: ledger, commits, retries, metrics, logs at info to a file. */
export function daemon(
  name: string,
  settings: Settings,
  { nodeOptions = [], program = daemonProgram }: DaemonOptions = {},
): Subject {
  return {
    name,
    start(bench, { topic, index, group = uniqueName('bench'), elasticsearch }) {
      const all = {
        'kafka.brokers': bench.stack.brokers,
        'kafka.topics': topic,
        'kafka.groupId': group,
        'nlp.url': bench.nlp.url,
        'elasticsearch.nodes': elasticsearch ?? bench.stack.elasticsearch,
        'elasticsearch.index': index,
        'admin.port': 0,
        ...settings,
      }
      return new BenchProcess({
        command: process.execPath,
        args: [...nodeOptions, program, 'run', ...setArguments(all)],
        logFile: join(bench.directory, `${uniqueName('daemon')}.log`),
      })
    },
  }
}

export interface BareLoopOptions {
  readonly concurrency: number
  readonly bulkSize: number
}

/** The bound of the CPU-bound regime. */
export function bareLoop(name: string, { concurrency, bulkSize }: BareLoopOptions): Subject {
  return {
    name,
    start(bench, { topic, index, group = uniqueName('bench') }) {
      const env = {
        KAFKA: bench.stack.brokers,
        TOPIC: topic,
        GROUP: group,
        NLP_URL: bench.nlp.url,
        ES_URL: bench.stack.elasticsearch,
        INDEX: index,
        C: String(concurrency),
        BULK_SIZE: String(bulkSize),
      }
      const logFile = join(bench.directory, `${uniqueName('bare-loop')}.log`)
      return new BenchProcess({ command: process.execPath, args: [bareLoopProgram], env, logFile })
    },
  }
}

/** The bound of the sink: Elasticsearch alone. */
export function bareBulks(name: string, records: number): Subject {
  return {
    name,
    start(bench, { index }) {
      const env = { ES_URL: bench.stack.elasticsearch, INDEX: index, RECORDS: String(records) }
      const logFile = join(bench.directory, `${uniqueName('bare-bulks')}.log`)
      return new BenchProcess({ command: process.execPath, args: [bareBulksProgram], env, logFile })
    },
  }
}

/** The bound of the latency-bound regime. */
export function bareCalls(bench: Bench, concurrency: number): BenchProcess {
  const args = [bareCallsProgram, bench.nlp.url, String(concurrency)]
  const logFile = join(bench.directory, `${uniqueName('bare-calls')}.log`)
  return new BenchProcess({ command: process.execPath, args, logFile })
}
