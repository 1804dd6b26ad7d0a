import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { KafkaTestClient, uniqueName } from '../../support/kafka-test-client.js'
import { logMessages } from './log-records.js'

const stackProgram = fileURLToPath(new URL('../../../scripts/stack/stack.mjs', import.meta.url))
const stackName = 'bench'
const producedAtOnce = 20_000

/** The program under measurement. `BENCH_PROGRAM` names another build of it. */
export const daemonProgram =
  process.env['BENCH_PROGRAM'] ?? fileURLToPath(new URL('../../../dist/main.js', import.meta.url))
/** Another build, measured beside it. */
export const otherProgram = process.env['BENCH_OTHER']

export interface Backlog {
  readonly records: number
  /** Default 4. */
  readonly partitions?: number
  /** Added to each record. Default 0. */
  readonly padBytes?: number
}

/** A Kafka and an Elasticsearch with what the benchmarks need on them. */
export class BenchStack {
  readonly brokers: string
  readonly elasticsearch: string
  readonly kafka: KafkaTestClient
  readonly #topics = new Map<string, Promise<string>>()

  private constructor(brokers: string, elasticsearch: string) {
    this.brokers = brokers
    this.elasticsearch = elasticsearch
    this.kafka = new KafkaTestClient(brokers.split(','))
  }

  /** Brings the servers up, or takes those that `TEST_STACK_KAFKA` and `TEST_STACK_ES` name. */
  static async up(): Promise<BenchStack> {
    const { TEST_STACK_KAFKA: brokers, TEST_STACK_ES: url } = process.env
    const found = brokers && url ? { brokers, url } : await bringUp()
    const stack = new BenchStack(found.brokers, found.url)
    await stack.#setUp()
    return stack
  }

  /** The mapping of every index is the one that `enrichd setup` makes, whoever writes to it. */
  async #setUp(): Promise<void> {
    const settings = {
      'kafka.brokers': this.brokers,
      'kafka.topics': await this.kafka.createTopic(),
      'kafka.groupId': 'bench-setup',
      'nlp.url': 'http://127.0.0.1:9/',
      'elasticsearch.nodes': this.elasticsearch,
      'elasticsearch.index': 'enrichd-bench-{yyyy}',
    }
    await promisify(execFile)(process.execPath, [daemonProgram, 'setup', ...setArguments(settings)])
  }

  /** A topic that holds a backlog; the same one for the same wish, since nothing is taken out of it. */
  backlog({ records, partitions = 4, padBytes = 0 }: Backlog): Promise<string> {
    const wish = `${records}-${partitions}-${padBytes}`
    let topic = this.#topics.get(wish)
    if (topic === undefined) {
      topic = this.#produce({ records, partitions, padBytes })
      this.#topics.set(wish, topic)
    }
    return topic
  }

  async #produce({ records, partitions, padBytes }: Required<Backlog>): Promise<string> {
    const topic = await this.emptyTopic(partitions)
    const atOnce = padBytes === 0 ? producedAtOnce : Math.max(partitions, Math.floor(8e6 / padBytes))
    for (let from = 0; from < records; from += atOnce) {
      const count = Math.min(atOnce, records - from)
      await this.kafka.produce(topic, logMessages({ from, count, partitions, padBytes }))
    }
    return topic
  }

  emptyTopic(partitions: number): Promise<string> {
    return this.kafka.createTopic({ partitions, config: { 'max.message.bytes': '2000000' } })
  }

  /** The name of an index that is there and empty. */
  async newIndex(): Promise<string> {
    const index = uniqueName('enrichd-bench')
    await this.#ask('PUT', `/${index}`, {
      settings: { number_of_shards: 1, number_of_replicas: 0 },
      mappings: { properties: recordMapping },
    })
    return index
  }

  async deleteIndex(index: string): Promise<void> {
    await this.#ask('DELETE', `/${index}`)
  }

  /** Documents that were written so far, without a refresh; one that was written twice counts twice. */
  async written(index: string): Promise<number> {
    const path = `/${index}/_stats/indexing?filter_path=_all.primaries.indexing.index_total`
    const answer = (await this.#ask('GET', path)) as Stats
    return answer._all.primaries.indexing.index_total
  }

  /** Documents in the index, after a refresh. */
  async count(index: string): Promise<number> {
    await this.#ask('POST', `/${index}/_refresh`)
    return ((await this.#ask('GET', `/${index}/_count`)) as { count: number }).count
  }

  /** Whether a document is found by its id. */
  async has(index: string, id: string): Promise<boolean> {
    const answer = await fetch(`${this.elasticsearch}/${index}/_doc/${id}`, { method: 'HEAD' })
    return answer.status === 200
  }

  async #ask(method: string, path: string, body?: object): Promise<unknown> {
    const answer = await fetch(this.elasticsearch + path, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return answer.json()
  }

  async close(): Promise<void> {
    await this.kafka.close()
  }

  /** Ends the servers and deletes what they hold, if they are our own. */
  static async wipe(): Promise<void> {
    if (process.env['TEST_STACK_KAFKA'] === undefined) await stackCommand('wipe')
  }
}

/** The records' own fields, beside those that `enrichd setup` maps; the same as the peers are measured with. */
const keyword = { type: 'keyword' }
const recordMapping = {
  id: { type: 'long' },
  ts: { type: 'date' },
  service: keyword,
  level: keyword,
  host: keyword,
  trace: keyword,
}

interface Stats {
  readonly _all: { readonly primaries: { readonly indexing: { readonly index_total: number } } }
}

/** Settings as `--set` takes them. */
export function setArguments(settings: Readonly<Record<string, string | number | boolean>>): string[] {
  return Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`])
}

async function bringUp(): Promise<{ brokers: string; url: string }> {
  const described = JSON.parse(await stackCommand('up', '--json')) as {
    kafka: string[]
    elasticsearch: string
  }
  return { brokers: described.kafka.join(','), url: described.elasticsearch }
}

async function stackCommand(command: string, ...more: string[]): Promise<string> {
  const args = [stackProgram, command, '--name', stackName, ...more]
  return (await promisify(execFile)(process.execPath, args)).stdout
}
