import { setTimeout as pause } from 'node:timers/promises'
import type { KafkaAdmin, Position } from './kafka-client.js'
import type { TopicIds } from './topic-ids.js'

/** How often it is looked whether a topic is still the same one. */
const INTERVAL_MS = 1_000
/** Not found so many times on end, a topic is gone: a broker that has just started knows of none for a moment. */
const GONE_AFTER = 3

export interface TopicWatchOptions {
  readonly ids: Pick<TopicIds, 'of' | 'close'>
  readonly admin: Pick<KafkaAdmin, 'offsets'>
  /** Ends it. */
  readonly leaving: AbortSignal
  /** Whether `readAnew` counts now; else it is asked again later. */
  readonly joined: () => boolean
  /** A partition of a topic that was made again is to be read from here, its first record. */
  readonly readAnew: (from: Position) => void
  /** A topic that was there is not there any more; told each second until it is back. */
  readonly gone: (topic: string) => void
}

/**
 * Notices that a topic was deleted, for which the client would ask for ever, and read nothing else meanwhile; and that one was
 * deleted and made again, by the id that the brokers gave it. Its records are others at the same
 * offsets, so that going on at the old position would swallow those before it. Nobody else tells: the client sees an offset
 * out of range only while the new topic is still shorter than the old one was.
 */
export class TopicWatch {
  readonly #options: TopicWatchOptions
  readonly #known = new Map<string, string>()
  /** How often on end a known topic was not found. */
  readonly #absent = new Map<string, number>()

  constructor(options: TopicWatchOptions) {
    this.#options = options
  }

  /** Resolves once `leaving` is aborted; never rejects. While Kafka cannot be asked, nothing is known to have changed. */
  async run(topics: readonly string[]): Promise<void> {
    const { ids, leaving } = this.#options
    while (!leaving.aborted) {
      await ids.of(topics).then(
        (found) => this.#compare(found),
        () => undefined,
      )
      await pause(INTERVAL_MS, undefined, { signal: leaving }).catch(() => undefined)
    }
    await ids.close()
  }

  async #compare(found: ReadonlyMap<string, string>): Promise<void> {
    for (const topic of this.#known.keys()) {
      const times = found.has(topic) ? 0 : (this.#absent.get(topic) ?? 0) + 1
      this.#absent.set(topic, times)
      if (times >= GONE_AFTER) this.#options.gone(topic)
    }
    for (const [topic, id] of found) {
      const known = this.#known.get(topic) ?? id
      if (known === id || (await this.#readAnew(topic))) this.#known.set(topic, id)
    }
  }

  async #readAnew(topic: string): Promise<boolean> {
    const { admin, joined, readAnew } = this.#options
    const partitions = await admin.offsets(topic).catch(() => [])
    if (partitions.length === 0 || !joined()) return false
    for (const { partition, earliest } of partitions) readAnew({ topic, partition, offset: earliest })
    return true
  }
}
