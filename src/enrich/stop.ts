/** One listener per signal, however many wait for it: removing one of thousands from an `AbortSignal` itself is a linear search. */
const listeners = new WeakMap<AbortSignal, Listeners>()

class Listeners {
  readonly #signal: AbortSignal
  readonly #all = new Set<() => void>()

  constructor(signal: AbortSignal) {
    this.#signal = signal
    listeners.set(signal, this)
    signal.addEventListener('abort', this.#abort)
  }

  add(run: () => void): void {
    this.#all.add(run)
  }

  /** With the last one the signal is let go: Node keeps one of `AbortSignal.any` as long as somebody listens. */
  delete(run: () => void): void {
    this.#all.delete(run)
    if (this.#all.size > 0) return
    listeners.delete(this.#signal)
    this.#signal.removeEventListener('abort', this.#abort)
  }

  readonly #abort = (): void => {
    for (const one of [...this.#all]) one()
  }
}

interface Linked {
  readonly signal: AbortSignal
  readonly abort: () => void
}

/**
 * Whatever ends the waiting of a record: the drain, the cut-off, its lost lease. Looking is free; the signals are linked only
 * once somebody waits, and unlinked by `dispose`.
 */
export class Stop {
  readonly #signals: readonly AbortSignal[]
  readonly #lease: AbortSignal | undefined
  #linked: Linked | undefined

  constructor(signals: readonly AbortSignal[], lease?: AbortSignal) {
    this.#signals = signals
    this.#lease = lease
  }

  get stopped(): boolean {
    for (const signal of this.#signals) if (signal.aborted) return true
    return this.#lease?.aborted === true
  }

  /** Aborted as soon as one of the signals is. */
  get signal(): AbortSignal {
    this.#linked ??= this.#link()
    return this.#linked.signal
  }

  /** Lets go of the signals. */
  dispose(): void {
    if (this.#linked === undefined) return
    for (const signal of this.#all()) listeners.get(signal)?.delete(this.#linked.abort)
  }

  #link(): Linked {
    const controller = new AbortController()
    const abort = () => {
      controller.abort(new Error('stopped'))
    }
    for (const signal of this.#all()) (listeners.get(signal) ?? new Listeners(signal)).add(abort)
    if (this.stopped) abort()
    return { signal: controller.signal, abort }
  }

  #all(): readonly AbortSignal[] {
    return this.#lease === undefined ? this.#signals : [...this.#signals, this.#lease]
  }
}
