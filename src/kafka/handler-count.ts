/** A member may be given as many partitions before it has to begin anew. */
const MAX_AT_FIRST = 512

/**
 * How many handlers kafkajs gets, each for the records of one partition at a time. It asks all of them with every fetch: 512, whatever
 * was read, took 7 % of the CPU time of a daemon with 100 records a second (four interleaved runs). But there must never be fewer than partitions: what they
 * have no hand for waits inside kafkajs, past a rejoin and past a new position, and would then be taken for what comes next.
 *
 * So there are as many as the topics have partitions. A membership that is given more, since some were added, or since they are more
 * than 512, reads nothing and ends, and the next one has enough.
 */
export class HandlerCount {
  #count = 0
  #assigned = 0
  #outgrown: Promise<void> = Promise.resolve()
  #onOutgrown: () => void = () => undefined

  /** For a new membership, and topics with so many partitions each. 1 or more. */
  begin(partitionCounts: Iterable<number>): number {
    let partitions = 0
    for (const count of partitionCounts) partitions += count
    this.#count = Math.max(1, this.#assigned, Math.min(MAX_AT_FIRST, partitions))
    this.#outgrown = new Promise((resolve) => (this.#onOutgrown = resolve))
    return this.#count
  }

  /** The membership was given so many partitions. */
  assigned(partitions: number): void {
    this.#assigned = partitions
    if (this.tooFew) this.#onOutgrown()
  }

  /** Nothing may be read. */
  get tooFew(): boolean {
    return this.#assigned > this.#count
  }

  /** Resolves once that is so. */
  outgrown(): Promise<void> {
    return this.#outgrown
  }
}
