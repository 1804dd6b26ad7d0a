import type { Clock } from '../pipeline/clock.js'
import type { EnrichdError, ErrorCode, FailureKind } from '../errors.js'
import { dependencies } from './events.js'
import type { Dependency } from './telemetry.js'

export interface DependencyStatus {
  readonly name: Dependency
  /** `unknown`: not asked yet. */
  readonly state: 'unknown' | 'up' | 'down'
  /** How long it has been so, in ms; 0 where unknown. */
  readonly forMs: number
  /** Why it is down. `setting`: something must be changed, waiting alone will not help. */
  readonly why?: { readonly code: ErrorCode; readonly kind: FailureKind; readonly message: string }
  /** How often the line waited for it, and how long in all. */
  readonly waits: number
  readonly waitedMs: number
}

interface Entry {
  state: DependencyStatus['state']
  sinceMs: number
  why: DependencyStatus['why']
  waits: number
  waitedMs: number
}

/** What is known of each dependency. unknown → up | down; up ⇄ down. */
export class DependencyBoard {
  readonly #clock: Clock
  readonly #entries = new Map<Dependency, Entry>()

  constructor(clock: Clock) {
    this.#clock = clock
    for (const name of dependencies) {
      this.#entries.set(name, {
        state: 'unknown',
        sinceMs: clock.now(),
        why: undefined,
        waits: 0,
        waitedMs: 0,
      })
    }
  }

  /** It is down, or still down for this reason. `message` is what may be shown of the error's own. */
  down(name: Dependency, { code, kind }: EnrichdError, message: string): void {
    const entry = this.#entry(name)
    if (entry.state !== 'down') {
      entry.waits++
      this.#enter(entry, 'down')
    }
    entry.why = { code, kind, message }
  }

  /** It works again, or for the first time. @returns whether it was down */
  up(name: Dependency): boolean {
    const entry = this.#entry(name)
    const wasDown = entry.state === 'down'
    if (entry.state === 'up') return false
    if (wasDown) entry.waitedMs += this.#clock.now() - entry.sinceMs
    entry.why = undefined
    this.#enter(entry, 'up')
    return wasDown
  }

  /** It answered: up, unless somebody waits for it, who will say when the wait is over. Cheap. */
  answered(name: Dependency): void {
    const entry = this.#entry(name)
    if (entry.state === 'unknown') this.#enter(entry, 'up')
  }

  get statuses(): readonly DependencyStatus[] {
    const nowMs = this.#clock.now()
    return [...this.#entries].map(([name, { state, sinceMs, why, waits, waitedMs }]) => ({
      name,
      state,
      forMs: state === 'unknown' ? 0 : Math.round(nowMs - sinceMs),
      ...(why === undefined ? {} : { why }),
      waits,
      waitedMs: Math.round(waitedMs + (state === 'down' ? nowMs - sinceMs : 0)),
    }))
  }

  #enter(entry: Entry, state: Entry['state']): void {
    entry.state = state
    entry.sinceMs = this.#clock.now()
  }

  #entry(name: Dependency): Entry {
    const entry = this.#entries.get(name)
    if (entry === undefined) throw new RangeError(`no such dependency: ${name}`)
    return entry
  }
}
