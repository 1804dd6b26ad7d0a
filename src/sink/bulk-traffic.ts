/**
 * The bulk requests that are under way, of every line that writes to the same Elasticsearch: whoever sends one tells, and whoever gathers
 * documents for the next one asks. A request that waits for the name of an index to be known is under way.
 */
export class BulkTraffic {
  #underWay = 0
  readonly #listeners = new Set<() => void>()

  /** Nothing is under way. */
  get quiet(): boolean {
    return this.#underWay === 0
  }

  began(): void {
    this.#underWay++
  }

  ended(): void {
    this.#underWay--
    if (!this.quiet) return
    for (const onQuiet of this.#listeners) onQuiet()
  }

  /** `onQuiet` is called whenever the last request has ended, and must not throw. Returns what ends that. */
  listen(onQuiet: () => void): () => void {
    this.#listeners.add(onQuiet)
    return () => {
      this.#listeners.delete(onQuiet)
    }
  }
}
