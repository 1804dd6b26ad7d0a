/**
 * Whatever ends the waiting of a record: the drain, the cut-off, its lost lease. Looking is free; the signals are linked only
 * once somebody waits, and unlinked by `dispose`.
 */
export class Stop {
  readonly #signals: readonly AbortSignal[]
  #linked: AbortController | undefined
  readonly #abort = () => this.#linked?.abort(new Error('stopped'))

  constructor(signals: readonly AbortSignal[]) {
    this.#signals = signals
  }

  get stopped(): boolean {
    for (const signal of this.#signals) if (signal.aborted) return true
    return false
  }

  /** Aborted as soon as one of the signals is. */
  get signal(): AbortSignal {
    if (this.#linked === undefined) {
      this.#linked = new AbortController()
      for (const signal of this.#signals) signal.addEventListener('abort', this.#abort)
      if (this.stopped) this.#abort()
    }
    return this.#linked.signal
  }

  /** Lets go of the signals. */
  dispose(): void {
    if (this.#linked === undefined) return
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#abort)
  }
}
