import { setTimeout as pause } from 'node:timers/promises'
import { EnrichdError } from '../errors.js'
import type { KafkaAdmin } from './kafka-client.js'

/** How often topics that are missing are looked for, while others are read. */
const INTERVAL_MS = 1_000

export interface WantedTopicsOptions {
  readonly names: readonly string[]
  readonly admin: () => Pick<KafkaAdmin, 'partitionCounts'>
  /** Ends the looking. */
  readonly leaving: AbortSignal
  /** Some do not exist now. */
  readonly missing: (error: EnrichdError, topics: readonly string[]) => void
}

/** The topics that are to be read: some may not exist yet, or not any more. None is ever created. */
export class WantedTopics {
  readonly #options: WantedTopicsOptions
  /** Each once. */
  readonly names: readonly string[]
  #reading: readonly string[] = []
  #end: () => void = () => undefined

  constructor(options: WantedTopicsOptions) {
    this.#options = options
    this.names = [...new Set(options.names)]
  }

  /** Those that exist, and how many partitions each has; says which are missing. @throws EnrichdError while no broker answers */
  async existing(): Promise<ReadonlyMap<string, number>> {
    const { admin, missing } = this.#options
    const { names } = this
    const there = await admin().partitionCounts()
    const absent = names.filter((topic) => !there.has(topic))
    if (absent.length > 0) {
      const message = `Kafka has no topic ${absent.join(', ')} (or this user may not see it): waiting for it, never creating it`
      missing(new EnrichdError('KAFKA_MISCONFIGURED', message, { kind: 'setting' }), absent)
    }
    return new Map([...there].filter(([topic]) => names.includes(topic)))
  }

  /** Resolves once another one than those that are read exists, or one of them is gone. Looks for them until `over` is aborted. */
  changed(reading: readonly string[], over: AbortSignal): Promise<void> {
    this.#reading = reading
    const gone = new Promise<void>((end) => (this.#end = end))
    return reading.length === this.names.length
      ? gone
      : Promise.race([gone, this.#appeared(AbortSignal.any([over, this.#options.leaving]))])
  }

  /** A topic does not exist any more. */
  gone(topic: string): void {
    if (this.#reading.includes(topic)) this.#end()
  }

  async #appeared(over: AbortSignal): Promise<void> {
    const isNew = (topic: string) => this.names.includes(topic) && !this.#reading.includes(topic)
    while (!over.aborted) {
      await pause(INTERVAL_MS, undefined, { signal: over }).catch(() => undefined)
      // While no broker answers, nothing is known to have changed.
      const there = await this.#options
        .admin()
        .partitionCounts()
        .catch((): ReadonlyMap<string, number> => new Map())
      if ([...there.keys()].some(isNew)) return
    }
    await new Promise(() => undefined)
  }
}
