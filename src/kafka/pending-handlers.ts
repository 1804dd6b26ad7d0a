/**
 * The fetch handlers that are pending, and the heartbeat that must go on meanwhile: kafkajs sends none while a handler
 * runs, and the member would be evicted.
 *
 * A heartbeat that fails (the group rebalances, the membership is lost) aborts every pending handler; its error is what
 * they end with, and so kafkajs rejoins.
 */
export class PendingHandlers {
  readonly #intervalMs: number
  readonly #pending = new Set<AbortController>()
  #heartbeat: (() => Promise<void>) | undefined
  #timer: NodeJS.Timeout | undefined
  #failure: Error | undefined

  /** @param intervalMs how often to call the heartbeat, which limits itself to its own interval; above 0 */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs
  }

  /**
   * Runs one handler, with a signal that is aborted when it must end.
   *
   * @returns its result, or undefined where it was aborted
   * @throws the heartbeat's error, where that failed meanwhile
   */
  async run<T>(
    heartbeat: () => Promise<void>,
    handle: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | undefined> {
    const handler = new AbortController()
    this.#heartbeat = heartbeat
    this.#pending.add(handler)
    this.#timer ??= setInterval(() => {
      this.#beat()
    }, this.#intervalMs)
    let result: T
    try {
      result = await handle(handler.signal)
    } finally {
      this.#pending.delete(handler)
      if (this.#pending.size === 0) this.#rest()
    }
    if (this.#failure !== undefined) throw this.#failure
    return handler.signal.aborted ? undefined : result
  }

  /** Every pending handler must end. */
  abort(): void {
    for (const handler of this.#pending) handler.abort()
  }

  /** What is pending ends with this error, as with that of a heartbeat. */
  fail(error: Error): void {
    if (this.#pending.size === 0) return
    this.#failure = error
    this.abort()
  }

  /** A new membership: the failure of the old one is over. */
  renew(): void {
    this.#failure = undefined
  }

  #beat(): void {
    this.#heartbeat?.().catch((error: unknown) => {
      this.fail(error instanceof Error ? error : new Error(String(error)))
    })
  }

  #rest(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
