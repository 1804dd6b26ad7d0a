/** Ten times what a healthy broker takes. */
const SLOW_MS = 1000
/** While nothing can be committed the line waits: it is not kept waiting by a long interval. */
const LONGEST_RETRY_MS = 1000
/** So many settled records are not kept waiting: as many as a bulk usually has. */
const MANY = 50

/**
 * Commits what the ledgers allow: one commit in flight, the rest coalesced. What is settled waits for the interval; many records do
 * not, if the last commit was begun a quarter of it ago: what is not committed, a crash pays for again.
 *
 * idle → waiting (something became committable; a timer runs) → committing → waiting | idle
 */
export interface CommitterOptions {
  /** How long what is settled waits for its commit, in ms; 0 or more. Many records are committed at once, four times in it at most. */
  readonly intervalMs: number
  /** What may be committed now beyond what was committed before. Called right before each commit. */
  readonly collect: () => readonly PendingCommit[]
  /** Commits, or rejects. The caller of `collect` learns of success by `committed`. */
  readonly commit: (pending: readonly PendingCommit[]) => Promise<void>
  readonly committed: (pending: readonly PendingCommit[]) => void
  /** A commit failed. It is tried again with the next one: offsets only grow. */
  readonly failed: (error: unknown) => void
  /** A commit has not been answered for 1 s; `committed` or `failed` follows. */
  readonly slow?: () => void
  readonly clock: CommitClock
}

export interface PendingCommit {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Kept with the commit: settled offsets beyond it. '' for none. */
  readonly metadata: string
}

/** The part of a clock that it needs. */
export interface CommitClock {
  now(): number
  setTimeout(run: () => void, delayMs: number): unknown
  clearTimeout(handle: unknown): void
}

export class Committer {
  readonly #options: CommitterOptions
  #timer: unknown
  /** What came since the last commit was begun, and whatever makes another one necessary. */
  #settled = 0
  /** The last commit did. */
  #failed = false
  #beganAtMs = -Infinity
  #running: Promise<boolean> | undefined
  #stopped = false

  constructor(options: CommitterOptions) {
    if (!(options.intervalMs >= 0))
      throw new RangeError(`intervalMs: expected 0 or more, got ${options.intervalMs}`)
    this.#options = options
  }

  /** Something was settled: a commit follows within the interval. Costs next to nothing when one is already due. */
  touch(): void {
    this.#settled++
    // The commit in flight sees to it at its end.
    if (this.#stopped || this.#running !== undefined) return
    if (this.#timer === undefined || this.#settled === MANY) this.#schedule()
  }

  #schedule(longestMs = this.#options.intervalMs): void {
    const { clock, intervalMs } = this.#options
    const soonestMs = Math.max(0, this.#beganAtMs + intervalMs / 4 - clock.now())
    clock.clearTimeout(this.#timer)
    this.#timer = clock.setTimeout(
      () => {
        this.#timer = undefined
        void this.#commitOnce()
      },
      this.#settled >= MANY ? soonestMs : longestMs,
    )
  }

  /** Commits now all that may be committed, after the commit in flight. Resolves to whether all of it went through. */
  async flush(): Promise<boolean> {
    if (this.#running !== undefined) await this.#running
    return this.#commitOnce()
  }

  /** No commit begins by itself after this. One in flight goes on, and `flush` works. */
  stop(): void {
    this.#stopped = true
    this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #commitOnce(): Promise<boolean> {
    this.#running ??= this.#commit().finally(() => {
      this.#running = undefined
      if (this.#settled === 0 || this.#stopped) return
      this.#schedule(this.#failed ? Math.min(this.#options.intervalMs, LONGEST_RETRY_MS) : undefined)
    })
    return this.#running
  }

  async #commit(): Promise<boolean> {
    this.#settled = 0
    this.#beganAtMs = this.#options.clock.now()
    const pending = this.#options.collect()
    if (pending.length === 0) return true
    const slow = this.#options.clock.setTimeout(() => this.#options.slow?.(), SLOW_MS)
    try {
      await this.#options.commit(pending)
      this.#failed = false
      this.#options.committed(pending)
      return true
    } catch (error) {
      this.#failed = true
      this.#settled++
      this.#options.failed(error)
      return false
    } finally {
      this.#options.clock.clearTimeout(slow)
    }
  }
}
