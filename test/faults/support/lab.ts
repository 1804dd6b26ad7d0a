import { appendFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { TestContext } from 'node:test'
import { startAnsweringProxy, type AnsweringProxy } from '../../support/answering-proxy.js'
import { Checker, type LoadOptions, type Report } from '../../support/checker.js'
import { DaemonProcess } from '../../support/daemon-process.js'
import { EsTestClient } from '../../support/es-test-client.js'
import {
  startFakeNlp,
  type FakeNlp,
  type FakeNlpOptions,
  type FakeNlpSettings,
} from '../../support/fake-nlp.js'
import { FaultProxy } from '../../support/fault-proxy.js'
import { KafkaTestClient } from '../../support/kafka-test-client.js'
import { until } from '../../support/until.js'
import { processedBy } from './processed-by.js'
import { SpeedMeter } from './speed-meter.js'

/** `npm run test:faults`: every case, alone, and as long as the issue asks for. */
export const longForm = process.env['FAULTS'] === 'all'

/** Ways to break one guarantee. */
export type Sabotage =
  | 'commit-ahead'
  | 'forget-settled'
  | 'no-small-drain'
  | 'outage-counts'
  | 'random-id'
  | 'settle-before-dead-letter'

export interface LabServers {
  /** What the daemon connects to; the checker too, unless `kafkaDirect` says otherwise. */
  readonly kafka: string[]
  readonly kafkaDirect?: string[]
  readonly elasticsearch: string
}

export interface LabOptions {
  readonly servers: LabServers
  readonly load?: Partial<LoadOptions>
  readonly nlp?: FakeNlpOptions
  readonly settings?: Readonly<Record<string, string | number | boolean>>
  /** The name by which the daemon knows the NLP service. Default: its address. */
  readonly nlpHost?: string
  /** Loaded before the daemon; see `DaemonOptions`. */
  readonly preload?: string
  /** More variables for the daemon. */
  readonly env?: Readonly<Record<string, string>>
  /** Records that are always there to be read while the lab feeds. Default 1,500. */
  readonly backlog?: number
  /** How often committed offsets are looked at. Default 100 ms. */
  readonly sampleMs?: number
}

/** Calls in flight and latency of the fault-free run: 200 records a second, so that the waiting and no CPU is the limit. */
export const inFlight = 20
export const latencyMs = 100
const defaultBacklog = 1500
const defaultSampleMs = 100
const feedCount = 200

/**
 * The fault laboratory: a daemon between the real servers and an NLP service, with a proxy before each, a load of numbered
 * records, and a checker that looks all the time. Everything ends with the test.
 */
export class Lab {
  readonly kafka: KafkaTestClient
  readonly es: EsTestClient
  readonly checker: Checker
  readonly nlp: FakeNlp
  readonly nlpProxy: FaultProxy
  readonly esProxy: FaultProxy
  readonly esAnswers: AnsweringProxy
  readonly daemons: DaemonProcess[] = []
  readonly #t: TestContext
  readonly #options: LabOptions
  readonly #meters: SpeedMeter[] = []
  #feeding: Promise<void> | undefined
  #feed = false

  private constructor(
    t: TestContext,
    options: LabOptions,
    parts: Pick<Lab, 'kafka' | 'es' | 'checker' | 'nlp' | 'nlpProxy' | 'esProxy' | 'esAnswers'>,
  ) {
    this.#t = t
    this.#options = options
    this.kafka = parts.kafka
    this.es = parts.es
    this.checker = parts.checker
    this.nlp = parts.nlp
    this.nlpProxy = parts.nlpProxy
    this.esProxy = parts.esProxy
    this.esAnswers = parts.esAnswers
  }

  static async open(t: TestContext, options: LabOptions): Promise<Lab> {
    const { servers, load = {}, nlp: nlpOptions = {}, sampleMs = defaultSampleMs } = options
    const kafka = new KafkaTestClient(servers.kafkaDirect ?? servers.kafka)
    const es = new EsTestClient(servers.elasticsearch)
    const nlp = await startFakeNlp({ ...nlpOptions, settings: healthyNlp(options) })
    const nlpProxy = await FaultProxy.start({ target: { port: nlp.port } })
    const esAnswers = await startAnsweringProxy(servers.elasticsearch)
    const esProxy = await FaultProxy.start({ target: { port: esAnswers.port } })
    const checker = await Checker.load({ kafka, es }, { partitions: 4, count: backlogOf(options), ...load })
    checker.startSampling(sampleMs)
    const lab = new Lab(t, options, { kafka, es, checker, nlp, nlpProxy, esProxy, esAnswers })
    t.after(() => lab.#close())
    return lab
  }

  /** In this order: whoever is still at work would open connections that nobody closes. */
  async #close(): Promise<void> {
    for (const daemon of this.daemons) daemon.kill('SIGKILL')
    await Promise.all(this.daemons.map((daemon) => daemon.exited))
    this.#feed = false
    await Promise.allSettled([
      this.#feeding,
      this.checker.stopSampling(),
      ...this.#meters.map((one) => one.stop()),
    ])
    await this.checker.clean().finally(() => this.kafka.close())
    await Promise.all([this.nlp, this.nlpProxy, this.esProxy, this.esAnswers].map((each) => each.close()))
  }

  /** How the NLP service behaves while nothing is wrong with it. */
  get healthyNlp(): FakeNlpSettings {
    return healthyNlp(this.#options)
  }

  get settings(): Record<string, string | number | boolean> {
    const { servers, nlpHost = '127.0.0.1', settings = {} } = this.#options
    const addresses = {
      kafka: servers.kafka,
      elasticsearch: `http://${this.esProxy.address}`,
      nlp: `http://${nlpHost}:${this.nlpProxy.port}/`,
    }
    return { ...this.checker.settings(addresses), 'nlp.maxConcurrency': inFlight, ...settings }
  }

  /** `sabotage`: one of `test/faults/sabotage/`, by name. */
  start({ sabotage }: { readonly sabotage?: Sabotage } = {}): DaemonProcess {
    const { env = {} } = this.#options
    const preload = sabotage
      ? new URL(`../sabotage/${sabotage}.ts`, import.meta.url).href
      : this.#options.preload
    const daemon = new DaemonProcess({
      settings: this.settings,
      env,
      ...(preload === undefined ? {} : { preload }),
    })
    this.daemons.push(daemon)
    return daemon
  }

  /** Counts what the daemon settled as indexed. */
  meter(daemon: DaemonProcess): SpeedMeter {
    return this.#meter(() => processedBy(daemon))
  }

  /** Counts what all daemons, those of the past too, settled as indexed. */
  crewMeter(): SpeedMeter {
    const counts = new Map<DaemonProcess, number>()
    return this.#meter(async () => {
      const ask = async (daemon: DaemonProcess) => counts.set(daemon, await processedBy(daemon))
      await Promise.allSettled(this.daemons.filter(({ running }) => running).map(ask))
      return [...counts.values()].reduce((sum, count) => sum + count, 0)
    })
  }

  #meter(count: () => number | Promise<number>): SpeedMeter {
    const meter = new SpeedMeter(count)
    this.#meters.push(meter)
    return meter
  }

  /** NLP calls, answered with 200 by now, for a text that had been answered before. */
  get repeatedCalls(): number {
    return this.nlp.answered.length - new Set(this.nlp.answered).size
  }

  /** Keeps records waiting in Kafka, as many as `backlog` says, until {@link stopFeeding}. */
  feed(): void {
    this.#feed = true
    this.#feeding = this.#keepFeeding()
  }

  /** Resolves once nothing is being written. */
  async stopFeeding(): Promise<void> {
    this.#feed = false
    await this.#feeding
  }

  async #keepFeeding(): Promise<void> {
    while (this.#feed) {
      if (this.checker.records.length - this.nlp.answered.length < backlogOf(this.#options))
        await this.checker.produce(feedCount)
      await pause(100)
    }
  }

  /** Stops feeding, waits until every record is settled and every offset committed, and says what became of them. */
  async drained(timeoutMs = 60_000): Promise<Report> {
    await this.stopFeeding()
    await this.checker.settled(timeoutMs)
    await this.committed(timeoutMs)
    return this.checker.report(this.nlp.answered)
  }

  /** Waits until everything is committed: whatever is done again for a record is done before that. */
  async committed(timeoutMs = 60_000): Promise<void> {
    const { group, topic } = this.checker
    await until(
      'every offset is committed',
      async () => {
        const committed = await this.kafka.committedOffsets(group, topic)
        return committed.reduce((sum, each) => sum + each, 0) >= this.checker.records.length
      },
      timeoutMs,
    )
  }

  /** Keeps a result: on the test's output and, if `FAULTS_RESULTS` names a file, there as one line of JSON. */
  keep(result: Readonly<Record<string, unknown>>): void {
    const line = JSON.stringify({ test: this.#t.name, ...result })
    this.#t.diagnostic(line)
    const file = process.env['FAULTS_RESULTS']
    if (file !== undefined) appendFileSync(file, `${line}\n`)
  }
}

const healthyNlp = ({ nlp }: LabOptions): FakeNlpSettings => ({ latencyMs, ...nlp?.settings })

const backlogOf = ({ backlog = defaultBacklog }: LabOptions): number => backlog

/** What is wrong with a report, as sentences; empty where every guarantee held. */
export function objections(report: Report, allowed: Allowed = {}): string[] {
  const { deadLettered = 0, repeatedCalls = 0, deadLettersRepeated = 0 } = allowed
  const found: string[] = []
  const object = (wrong: boolean, sentence: string) => {
    if (wrong) found.push(sentence)
  }
  object(report.lost.length > 0, `${report.lost.length} lost: ${report.lost.slice(0, 5).join(', ')}`)
  object(report.doubled > 0, `${report.doubled} doubled`)
  object(report.foreign > 0, `${report.foreign} documents that belong to no record`)
  object(report.commitsPastUnsettled > 0, `${report.commitsPastUnsettled} commits past an unsettled record`)
  object(report.deadLettered !== deadLettered, `${report.deadLettered} dead letters, not ${deadLettered}`)
  object(report.deadLettersRepeated > deadLettersRepeated, `${report.deadLettersRepeated} dead letters twice`)
  object(
    report.repeatedCalls > repeatedCalls,
    `${report.repeatedCalls} finished NLP calls repeated, not ${repeatedCalls} at most`,
  )
  return found
}

export interface Allowed {
  /** Exactly so many. Default 0. */
  readonly deadLettered?: number
  /** At most. Default 0. */
  readonly repeatedCalls?: number
  /** At most. Default 0. */
  readonly deadLettersRepeated?: number
}

/** The numbers of a report, without its lists. */
export function summary(report: Report): Record<string, number> {
  const numbers = Object.entries(report).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number',
  )
  return { ...Object.fromEntries(numbers), lost: report.lost.length }
}
