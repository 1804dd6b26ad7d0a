import type { Delivery } from '../../../src/delivery/delivery.js'
import type { EnrichedDocument } from '../../../src/delivery/document.js'
import { enrich, type EnrichOptions } from '../../../src/enrich/enrich.js'
import { logDelivery, ManualSource } from './log-deliveries.js'
import { ScriptedAnalyser, type ScriptedOptions } from './scripted-analyser.js'
import { silentTelemetry } from './silent-telemetry.js'
import { FakeClock } from '../../support/fake-clock.js'

type Overrides = Partial<EnrichOptions> & { readonly scripted?: Omit<ScriptedOptions, 'clock'> }

/** The stage with everything around it under control: time, the service, the source, and what comes out. */
export class EnrichBench {
  readonly clock = new FakeClock()
  readonly analyser: ScriptedAnalyser
  readonly source = new ManualSource()
  readonly draining = new AbortController()
  readonly cutOff = new AbortController()
  readonly out: Delivery<EnrichedDocument>[] = []
  readonly events: string[] = []
  readonly iterator: AsyncIterator<Delivery<EnrichedDocument>>
  ended = false
  #offset = 0

  constructor({ scripted, ...overrides }: Overrides = {}) {
    this.analyser = new ScriptedAnalyser({ ...scripted, clock: this.clock })
    const stage = enrich({
      analyser: this.analyser,
      maxConcurrency: 4,
      maxTextBytes: 16384,
      retry: { limit: 3, delayMs: 1000, maxDelayMs: 30_000 },
      breaker: { probeIntervalMs: 1000 },
      window: 100,
      document: { indexTimePastMs: 0, indexTimeFutureMs: 86_400_000 },
      draining: this.draining.signal,
      cutOff: this.cutOff.signal,
      clock: this.clock,
      telemetry: {
        ...silentTelemetry,
        retrying: (_stage, error) => this.events.push(`retrying ${error.code}`),
        dependencyDown: (_name, error) => this.events.push(`down ${error.code}`),
        dependencyStillDown: (_name, error) => this.events.push(`still down ${error.code}`),
        dependencyUp: () => this.events.push('up'),
      },
      ...overrides,
    })
    this.iterator = stage(this.source)[Symbol.asyncIterator]()
  }

  /** Takes whatever comes out, from now on. */
  run(): void {
    void (async () => {
      for (let next = await this.iterator.next(); next.done !== true; next = await this.iterator.next()) {
        this.out.push(next.value)
      }
      this.ended = true
    })()
  }

  send(...messages: string[]): void {
    for (const message of messages) this.source.push(logDelivery({ message, offset: this.#offset++ }))
  }

  /** `message → status`, in the order in which they came out. */
  get results(): string[] {
    return this.out.map((delivery) => {
      const how = delivery.status === 'rejected' ? delivery.reason : delivery.status
      return `${delivery.record.value?.toString() ?? ''} ${how}`
    })
  }

  of(message: string): Delivery<EnrichedDocument> | undefined {
    return this.out.find(({ record }) => record.value?.toString() === message)
  }

  callsOf(text: string): number {
    return this.analyser.calls.filter(({ texts }) => texts.includes(text)).length
  }
}
