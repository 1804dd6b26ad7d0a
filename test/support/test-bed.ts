import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { Checker, quick, type LoadOptions, type Report } from './checker.js'
import { DaemonProcess, type DaemonOptions } from './daemon-process.js'
import { EsTestClient, type StoredDocument } from './es-test-client.js'
import { startFakeNlp, type FakeNlp, type FakeNlpOptions } from './fake-nlp.js'
import { KafkaTestClient, uniqueName, type ConsumedRecord, type TopicOptions } from './kafka-test-client.js'
import type { SharedStack } from './stack.js'
import { until } from './until.js'

type Settings = DaemonOptions['settings']

/** Names that belong together, and what a test does with them. Everything is deleted after the test. */
export interface Line {
  readonly topic: string
  readonly deadLetterTopic: string
  readonly group: string
  /** Begins the name of every index that is looked at. */
  readonly index: string
  /** Settings of a daemon that reads the topic, asks `nlp` and writes to `index`. */
  settings(nlp: FakeNlp): Record<string, string | number | boolean>
  /** How many records ended: documents and dead letters. */
  ended(): Promise<{ readonly indexed: number; readonly dead: number }>
  /** Waits until so many records ended. @throws Error after `timeoutMs` */
  settled(count: number, timeoutMs?: number): Promise<void>
  /** The document of each record, by `partition/offset`. @throws AssertionError where a record has two */
  documents(): Promise<Map<string, StoredDocument<LogDocument>>>
  /** The dead letter of each record, by `partition/offset`. @throws AssertionError where a record has two */
  deadLetters(): Promise<Map<string, DeadLetterRecord>>
}

/** What tests look at in a document. */
export interface LogDocument {
  readonly '@timestamp': string
  readonly message: string
  readonly entities: readonly { readonly text: string; readonly type: string }[]
  readonly severity: string
  readonly kafka: {
    readonly topic: string
    readonly partition: number
    readonly offset: number
    readonly key: string | null
  }
  readonly enrichment: {
    readonly status: string
    readonly service: string
    readonly attempts: number
    readonly durationMs: number
    readonly truncated?: boolean
  }
  readonly trace?: { readonly id: string }
  readonly original?: Readonly<Record<string, unknown>>
  readonly [field: string]: unknown
}

export interface DeadLetterRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** As text. */
  readonly headers: Readonly<Record<string, string>>
  readonly reason: string
}

/** The shared servers for the tests of one file, and what they start, which ends with its test. */
export class TestBed {
  readonly stack: SharedStack
  readonly kafka: KafkaTestClient
  readonly es: EsTestClient

  constructor(stack: SharedStack) {
    this.stack = stack
    this.kafka = new KafkaTestClient(stack.kafka)
    this.es = new EsTestClient(stack.elasticsearch)
  }

  close(): Promise<void> {
    return this.kafka.close()
  }

  async nlp(t: TestContext, options: FakeNlpOptions = {}): Promise<FakeNlp> {
    const nlp = await startFakeNlp(options)
    t.after(() => nlp.close())
    return nlp
  }

  start(t: TestContext, settings: Settings, env: Readonly<Record<string, string>> = {}): DaemonProcess {
    const daemon = new DaemonProcess({ settings, env })
    t.after(async () => {
      daemon.kill('SIGKILL')
      await daemon.exited
    })
    return daemon
  }

  async load(t: TestContext, options: LoadOptions): Promise<Checker> {
    const checker = await Checker.load(this, options)
    t.after(() => checker.clean())
    return checker
  }

  /** A topic, its dead letter topic, and names that go with them. */
  async line(t: TestContext, options: TopicOptions & { readonly create?: boolean } = {}): Promise<Line> {
    const { create = true, topic = uniqueName('line'), ...more } = options
    if (create) await this.kafka.createTopic({ topic, ...more })
    const deadLetterTopic = await this.kafka.createTopic({ topic: `${topic}.dead-letter` })
    const index = topic.toLowerCase()
    t.after(async () => {
      await this.es.deleteIndex(`${index}*`)
      const there = await this.kafka.topics()
      for (const each of [topic, deadLetterTopic])
        if (there.includes(each)) await this.kafka.deleteTopic(each)
    })
    return this.#lineOf({ topic, deadLetterTopic, group: `${topic}-group`, index })
  }

  #lineOf(names: Pick<Line, 'topic' | 'deadLetterTopic' | 'group' | 'index'>): Line {
    const { topic, deadLetterTopic, group, index } = names
    const ended = async () => {
      const [dead = 0] = await this.kafka.endOffsets(deadLetterTopic)
      return { indexed: await this.es.count(`${index}*`), dead }
    }
    return {
      ...names,
      ended,
      settings: (nlp) => ({
        ...quick,
        'kafka.brokers': this.stack.kafka.join(','),
        'kafka.topics': topic,
        'kafka.groupId': group,
        'nlp.url': nlp.url,
        'elasticsearch.nodes': this.stack.elasticsearch,
        'elasticsearch.index': index,
      }),
      settled: async (count, timeoutMs) => {
        let last = { indexed: 0, dead: 0 }
        const enough = async () => (last = await ended()).indexed + last.dead >= count
        await until(`${count} records have ended`, enough, timeoutMs).catch((error: unknown) => {
          throw new Error(`${String(error)}; ${last.indexed} indexed, ${last.dead} dead letters`)
        })
      },
      documents: async () => byCoordinates(await this.es.documents<LogDocument>(`${index}*`), ofDocument),
      deadLetters: async () =>
        new Map(
          [...byCoordinates(await this.kafka.consumeAll(deadLetterTopic), ofDeadLetter)].map(([at, one]) => [
            at,
            toDeadLetter(one),
          ]),
        ),
    }
  }
}

function byCoordinates<T>(all: readonly T[], coordinates: (one: T) => string): Map<string, T> {
  const found = new Map<string, T>()
  for (const one of all) {
    const at = coordinates(one)
    assert.ok(!found.has(at), `the record ${at} is there twice`)
    found.set(at, one)
  }
  return found
}

const ofDocument = ({ _source: { kafka } }: StoredDocument<LogDocument>) =>
  `${kafka.partition}/${kafka.offset}`

const ofDeadLetter = ({ headers }: ConsumedRecord) =>
  `${String(headers?.['enrichd-partition'])}/${String(headers?.['enrichd-offset'])}`

function toDeadLetter({ key, value, headers = {} }: ConsumedRecord): DeadLetterRecord {
  const texts = Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, String(text)]))
  return { key, value, headers: texts, reason: texts['enrichd-reason'] ?? '' }
}

/** Nothing lost, nothing doubled, nothing asked twice, no commit too far; `but`: what is expected otherwise. */
export function assertExact(
  report: Report,
  but: { readonly deadLettered?: number; readonly repeatedCalls?: number } = {},
): void {
  const { produced, committed, ends, samples, ...counts } = report
  const { deadLettered = 0, repeatedCalls = 0 } = but
  assert.deepEqual(counts, {
    indexed: produced - deadLettered,
    deadLettered,
    deadLettersRepeated: 0,
    lost: [],
    doubled: 0,
    foreign: 0,
    commitsPastUnsettled: 0,
    repeatedCalls,
  })
  assert.ok(samples > 0, 'the committed offsets were looked at while they moved')
  assert.deepEqual(committed, ends, 'all is committed')
}

/** Every line is one JSON object of a known form: `level`, `time`, `event`, `msg`. */
export function assertLogForm(daemon: DaemonProcess): void {
  assert.deepEqual(daemon.other, [], 'nothing but JSON lines')
  for (const line of daemon.lines) {
    for (const name of ['level', 'time', 'event', 'msg']) {
      assert.equal(typeof line[name], 'string', `${name} in ${JSON.stringify(line)}`)
    }
    assert.match(line.event ?? '', /^[a-z_]+\.[a-z_]+$/)
  }
}

/** None of the texts stands in a line of these levels. */
export function assertNotLogged(
  daemon: DaemonProcess,
  texts: readonly string[],
  levels: readonly string[] = ['info', 'warn', 'error', 'fatal'],
): void {
  for (const line of daemon.lines.filter(({ level }) => levels.includes(String(level)))) {
    const json = JSON.stringify(line)
    for (const text of texts) assert.ok(!json.includes(text), `${text} in ${json}`)
  }
  for (const line of daemon.other)
    for (const text of texts) assert.ok(!line.includes(text), `${text} in ${line}`)
}
