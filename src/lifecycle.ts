import { systemClock, type Clock } from './pipeline/clock.js'

export type LifecycleState = 'starting' | 'running' | 'draining' | 'stopped'

/** Every way from one state to another; there is no other. */
const ways: Readonly<Record<LifecycleState, readonly LifecycleState[]>> = {
  starting: ['running', 'draining'],
  running: ['draining'],
  draining: ['stopped'],
  stopped: [],
}

export interface LifecycleOptions {
  /** From the beginning of the drain until what is in flight is cut off, in ms; 0 or more. */
  readonly gracefulTimeoutMs: number
  /** After the cut-off, how long a step may still take before the drain goes on without it, in ms. Default 2,000. */
  readonly cutOffGraceMs?: number
  readonly clock?: Clock
  /** Told of every new state. Must not throw. */
  readonly onChange?: (state: LifecycleState, detail: Readonly<Record<string, unknown>>) => void
}

/** One part of the drain, told when it must hurry. */
export type DrainStep = (cutOff: AbortSignal) => Promise<unknown>

export interface DrainOutcome {
  /** The deadline passed, or a second request came: something was cut off. */
  readonly cutOff: boolean
  readonly durationMs: number
  /** What the steps threw, all of it; undefined where nothing went wrong. */
  readonly error: AggregateError | undefined
}

/**
 * The states of a daemon, and the only way between them.
 *
 *     starting ──running()──▶ running ──shutdown()──▶ draining ──(all steps ended)──▶ stopped
 *         └───────────────shutdown()─────────────────────▲
 *
 * Draining has a deadline: then, or on `cutOffNow()`, `cutOff` is aborted, and soon after that it ends in any case.
 */
export class Lifecycle {
  readonly #options: LifecycleOptions
  readonly #clock: Clock
  readonly #draining = new AbortController()
  readonly #cutOff = new AbortController()
  readonly #steps: { readonly name: string; readonly run: DrainStep }[] = []
  #state: LifecycleState = 'starting'
  #shutdown: Promise<DrainOutcome> | undefined
  #drain: { readonly reason: string; readonly beganMs: number } | undefined

  constructor(options: LifecycleOptions) {
    for (const name of ['gracefulTimeoutMs', 'cutOffGraceMs'] as const) {
      const value = options[name] ?? 0
      if (!(value >= 0)) throw new RangeError(`${name}: expected 0 or more, got ${value}`)
    }
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  get state(): LifecycleState {
    return this.#state
  }

  /** Whether `/readyz` says so: joined, and not draining. A dependency that is down changes nothing here. */
  get ready(): boolean {
    return this.#state === 'running'
  }

  /** Aborted once the drain begins: no new work from then on. Its reason is an Error. */
  get draining(): AbortSignal {
    return this.#draining.signal
  }

  /** Aborted once what is in flight must end. Its reason is an Error. */
  get cutOff(): AbortSignal {
    return this.#cutOff.signal
  }

  /** The drain under way or done: why, for how long, and how long until the cut-off. */
  get drain(): { readonly reason: string; readonly forMs: number; readonly msLeft: number } | undefined {
    if (this.#drain === undefined) return undefined
    const forMs = this.#clock.now() - this.#drain.beganMs
    const { reason } = this.#drain
    const msLeft = this.#cutOff.signal.aborted ? 0 : Math.max(0, this.#options.gracefulTimeoutMs - forMs)
    return { reason, forMs: Math.round(forMs), msLeft: Math.round(msLeft) }
  }

  /**
   * Adds a step to the drain. Steps run one after the other, in the order in which they were added, also when one before
   * failed: first the flow, then what the flow needs.
   *
   * @throws RangeError once the drain has begun
   */
  onDrain(name: string, run: DrainStep): void {
    if (this.#shutdown !== undefined)
      throw new RangeError(`onDrain: ${name} comes too late, the drain has begun`)
    this.#steps.push({ name, run })
  }

  /**
   * Joined: work may begin.
   *
   * @returns false where the drain had begun before
   * @throws RangeError if it runs already
   */
  running(): boolean {
    if (this.#shutdown !== undefined) return false
    this.#enter('running')
    return true
  }

  /**
   * Drains and stops. Never rejects: what went wrong is in the outcome. Every caller gets the same promise; the first
   * one's reason counts. With an `error` the daemon stops because it cannot go on, and `onChange` is told so.
   */
  shutdown(reason: string, error?: Error): Promise<DrainOutcome> {
    if (this.#shutdown !== undefined) return this.#shutdown
    const { promise, resolve } = pending<DrainOutcome>()
    this.#shutdown = promise
    this.#drain = { reason, beganMs: this.#clock.now() }
    this.#enter('draining', { reason, ...(error === undefined ? {} : { error }) })
    this.#draining.abort(new Error(reason))
    void this.#runSteps().then(resolve)
    return promise
  }

  /** Cuts off what is in flight; the drain begins with it where it had not begun. Idempotent. */
  cutOffNow(reason: string): Promise<DrainOutcome> {
    const outcome = this.shutdown(reason)
    this.#cutOff.abort(new Error(reason))
    return outcome
  }

  async #runSteps(): Promise<DrainOutcome> {
    const { gracefulTimeoutMs } = this.#options
    const deadline = this.#clock.setTimeout(() => {
      this.#cutOff.abort(new Error(`the drain took longer than ${gracefulTimeoutMs} ms`))
    }, gracefulTimeoutMs)
    const errors: unknown[] = []
    for (const { name, run } of this.#steps) {
      try {
        await this.#withinBounds(name, run)
      } catch (error) {
        errors.push(error)
      }
    }
    // Never within the call of shutdown, also where there is no step.
    await Promise.resolve()
    this.#clock.clearTimeout(deadline)
    const outcome = {
      cutOff: this.#cutOff.signal.aborted,
      durationMs: Math.round(this.#clock.now() - (this.#drain?.beganMs ?? 0)),
      error: errors.length === 0 ? undefined : new AggregateError(errors, 'the drain met errors'),
    }
    this.#enter('stopped', outcome.error === undefined ? outcome : { ...outcome, error: outcome.error })
    return outcome
  }

  /** A step that goes on too long after the cut-off is left behind: stopping must not hang on anything. */
  async #withinBounds(name: string, run: DrainStep): Promise<void> {
    const cutOff = this.#cutOff.signal
    const { promise: overdue, resolve: endWait } = pending<'overdue'>()
    let timer: unknown
    const arm = (): void => {
      timer = this.#clock.setTimeout(() => {
        endWait('overdue')
      }, this.#options.cutOffGraceMs ?? 2000)
    }
    if (cutOff.aborted) arm()
    else cutOff.addEventListener('abort', arm, { once: true })
    try {
      const ended = run(cutOff)
      if ((await Promise.race([ended, overdue])) !== 'overdue') return
      ended.catch(() => undefined)
      throw new Error(`${name} did not end in time`)
    } finally {
      cutOff.removeEventListener('abort', arm)
      this.#clock.clearTimeout(timer)
    }
  }

  /** The one door: every change of state passes here. */
  #enter(state: LifecycleState, detail: Readonly<Record<string, unknown>> = {}): void {
    if (!ways[this.#state].includes(state)) {
      throw new RangeError(`lifecycle: there is no way from ${this.#state} to ${state}`)
    }
    this.#state = state
    this.#options.onChange?.(state, detail)
  }
}

function pending<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void
  const promise = new Promise<T>((fulfil) => {
    resolve = fulfil
  })
  return { promise, resolve }
}
