import { setTimeout as pause } from 'node:timers/promises'
import type { EsTestClient } from './es-test-client.js'
import type { KafkaTestClient } from './kafka-test-client.js'

/** A record of the load: it can be told from all others by its id, its number and its text. */
export interface NumberedRecord {
  readonly n: number
  readonly id: string
  readonly partition: number
  readonly offset: number
  readonly text: string
}

export interface LoadOptions {
  readonly partitions: number
  readonly count: number
  /** Default 1. */
  readonly replicas?: number
  /** The text of a record. Default: one that no other record has. */
  readonly text?: (n: number) => string
  /** The value as it is written. Default: JSON with `n` and `message`. */
  readonly value?: (n: number, text: string) => string | Buffer
}

/** Settings that make commits and retries quick enough for a test. */
export const quick = {
  'kafka.sessionTimeoutMs': 6000,
  'kafka.heartbeatIntervalMs': 500,
  'elasticsearch.flushIntervalMs': 100,
} as const

/** One document of an answer to `_mget`. */
interface LookedUp {
  readonly _id: string
  readonly found?: boolean
  readonly error?: { readonly type: string }
}

/** A topic with numbered records in it, and what became of them. */
export class Checker {
  readonly topic: string
  readonly group: string
  readonly index: string
  readonly deadLetterTopic: string
  readonly records: NumberedRecord[] = []
  readonly #kafka: KafkaTestClient
  readonly #es: EsTestClient
  readonly #options: LoadOptions
  readonly #ends: number[]
  #sampling = false
  #sampler: Promise<void> | undefined
  #samples = 0
  /** Offsets that were committed while their record was in no index. */
  readonly #suspects: { readonly id: string; readonly sampledAt: number }[] = []

  private constructor(
    clients: { kafka: KafkaTestClient; es: EsTestClient },
    topic: string,
    options: LoadOptions,
  ) {
    this.#kafka = clients.kafka
    this.#es = clients.es
    this.#options = options
    this.#ends = Array.from({ length: options.partitions }, () => 0)
    this.topic = topic
    this.group = `${topic}-group`
    this.index = `${topic}-index`
    this.deadLetterTopic = `${topic}.dead-letter`
  }

  /** Makes the topics and writes the load. */
  static async load(
    clients: { kafka: KafkaTestClient; es: EsTestClient },
    options: LoadOptions,
  ): Promise<Checker> {
    const topic = await clients.kafka.createTopic({
      partitions: options.partitions,
      replicas: options.replicas ?? 1,
    })
    await clients.kafka.createTopic({ topic: `${topic}.dead-letter`, replicas: options.replicas ?? 1 })
    const checker = new Checker(clients, topic, options)
    await checker.produce(options.count)
    return checker
  }

  /** Writes `count` more records. */
  async produce(count: number): Promise<void> {
    const { text = (n: number) => `${this.topic} record ${n}`, value = asJson, partitions } = this.#options
    const base = Date.now()
    const first = this.records.length
    const messages = []
    for (let n = first; n < first + count; n++) {
      const partition = n % partitions
      const offset = this.#ends[partition] ?? 0
      this.#ends[partition] = offset + 1
      const timestamp = String(base + n)
      this.records.push({
        n,
        id: `${this.topic}-${partition}-${offset}-${timestamp}`,
        partition,
        offset,
        text: text(n),
      })
      messages.push({ partition, timestamp, key: `key-${n}`, value: value(n, text(n)) })
    }
    await this.#kafka.produce(this.topic, messages)
  }

  /** Settings of a daemon that works on this load. */
  settings(addresses: {
    kafka: readonly string[]
    elasticsearch: string
    nlp: string
  }): Record<string, string | number> {
    return {
      ...quick,
      'kafka.brokers': addresses.kafka.join(','),
      'kafka.topics': this.topic,
      'kafka.groupId': this.group,
      'nlp.url': addresses.nlp,
      'elasticsearch.nodes': addresses.elasticsearch,
      'elasticsearch.index': this.index,
    }
  }

  /** Reads the committed offsets again and again, and looks whether what is below them is in the index. */
  startSampling(everyMs = 50): void {
    this.#sampling = true
    this.#sampler = this.#sample(everyMs)
  }

  async stopSampling(): Promise<void> {
    this.#sampling = false
    await this.#sampler
  }

  async #sample(everyMs: number): Promise<void> {
    const seen = this.#ends.map(() => 0)
    const byCoordinates = new Map<string, string>()
    while (this.#sampling) {
      for (const { partition, offset, id } of this.records) byCoordinates.set(`${partition}/${offset}`, id)
      const committed = await this.#kafka.committedOffsets(this.group, this.topic).catch((): number[] => [])
      const sampledAt = Date.now()
      const ids = committed.flatMap((end, partition) => {
        const from = seen[partition] ?? 0
        seen[partition] = Math.max(from, end)
        return Array.from(
          { length: Math.max(0, end - from) },
          (_, at) => byCoordinates.get(`${partition}/${from + at}`) ?? '',
        )
      })
      for (const id of await this.#missing(ids)) this.#suspects.push({ id, sampledAt })
      if (ids.length > 0) this.#samples++
      await pause(everyMs)
    }
  }

  /** Which of these documents are not there. Reads by id see every document that was acknowledged. */
  async #missing(ids: readonly string[]): Promise<string[]> {
    const missing: string[] = []
    for (let at = 0; at < ids.length; at += 1000) {
      const answer = await this.#lookUp(ids.slice(at, at + 1000))
      missing.push(...answer.filter(({ found }) => found !== true).map(({ _id }) => _id))
    }
    return missing
  }

  /** While an Elasticsearch that is stopped or comes up has no shard to ask, it is asked again. @throws Error after three minutes */
  async #lookUp(ids: readonly string[]): Promise<readonly LookedUp[]> {
    const deadline = performance.now() + 180_000
    for (;;) {
      try {
        const path = `/${this.index}/_mget?_source=false`
        const { docs } = await this.#es.request<{ docs: LookedUp[] }>('POST', path, { ids })
        if (!docs.some(({ error }) => error?.type === 'no_shard_available_action_exception')) return docs
      } catch (error) {
        if (performance.now() > deadline) throw error
      }
      // Where nobody can be asked nothing is known to be missing.
      if (performance.now() > deadline) throw new Error('Elasticsearch had no shard to ask for three minutes')
      await pause(50)
    }
  }

  /** Waits until every record is in the index or among the dead letters. @throws Error after `timeoutMs` */
  async settled(timeoutMs = 60_000): Promise<void> {
    const deadline = performance.now() + timeoutMs
    for (;;) {
      const indexed = await this.#es.count(this.index)
      const dead = (await this.#kafka.endOffsets(this.deadLetterTopic)).reduce((sum, end) => sum + end, 0)
      if (indexed + dead >= this.records.length) return
      if (performance.now() > deadline) {
        throw new Error(
          `${indexed} of ${this.records.length} records were indexed and ${dead} dead-lettered after ${timeoutMs} ms`,
        )
      }
      await pause(50)
    }
  }

  /** Waits until at least `count` documents are in the index. @throws Error after `timeoutMs` */
  async indexed(count: number, timeoutMs = 60_000): Promise<void> {
    const deadline = performance.now() + timeoutMs
    while ((await this.#es.count(this.index)) < count) {
      if (performance.now() > deadline) throw new Error(`fewer than ${count} documents after ${timeoutMs} ms`)
      await pause(20)
    }
  }

  /** What became of the load. `answered`: the texts that the NLP service answered, one entry per answer. */
  async report(answered: readonly string[]): Promise<Report> {
    await this.stopSampling()
    const documents = await this.#es.documents(this.index)
    const letters = await this.#kafka.consumeAll(this.deadLetterTopic)
    const deadAt = new Map(
      letters.map((letter) => [coordinatesOf(this.topic, letter.headers), Number(letter.timestamp)]),
    )
    const indexed = new Set(documents.map(({ _id }) => _id))
    const known = new Set(this.records.map(({ id }) => id))
    const lost = this.records.filter(({ id }) => !indexed.has(id) && !deadAt.has(id))
    const past = this.#suspects.filter(({ id, sampledAt }) => (deadAt.get(id) ?? Infinity) > sampledAt)
    return {
      produced: this.records.length,
      indexed: indexed.size,
      deadLettered: deadAt.size,
      deadLettersRepeated: letters.length - deadAt.size,
      lost: lost.map(({ id }) => id),
      doubled: documents.length - indexed.size + documents.filter(({ _id }) => deadAt.has(_id)).length,
      foreign: documents.filter(({ _id }) => !known.has(_id)).length,
      commitsPastUnsettled: past.length,
      samples: this.#samples,
      repeatedCalls: answered.length - new Set(answered).size,
      committed: await this.#kafka.committedOffsets(this.group, this.topic),
      ends: await this.#kafka.endOffsets(this.topic),
    }
  }

  /** Deletes what it made. */
  async clean(): Promise<void> {
    await this.stopSampling()
    await this.#es.deleteIndex(`${this.index}*`)
    for (const topic of [this.topic, this.deadLetterTopic]) await this.#kafka.deleteTopic(topic)
  }
}

export interface Report {
  readonly produced: number
  readonly indexed: number
  readonly deadLettered: number
  /** Dead letters of a record that has one already. */
  readonly deadLettersRepeated: number
  /** Ids that are nowhere. */
  readonly lost: readonly string[]
  /** Records that are there more than once. */
  readonly doubled: number
  /** Documents that belong to no record. */
  readonly foreign: number
  readonly commitsPastUnsettled: number
  /** How often the committed offsets had moved when they were looked at. */
  readonly samples: number
  /** Answers of the NLP service for a text that it had answered before. */
  readonly repeatedCalls: number
  readonly committed: readonly number[]
  readonly ends: readonly number[]
}

function asJson(n: number, text: string): string {
  return JSON.stringify({ n, level: 'info', message: text })
}

function coordinatesOf(topic: string, headers: Readonly<Record<string, unknown>> | undefined): string {
  const read = (name: string) => String(headers?.[`enrichd-${name}`])
  return `${topic}-${read('partition')}-${read('offset')}-${read('timestamp')}`
}
