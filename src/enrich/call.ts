import type { EnrichdError } from '../errors.js'
import type { AnalyserCall, Canceller } from './analyser.js'
import type { Analysis } from './analysis.js'

/**
 * `record`: a record's own call, with its permit. `probe`: the same while the line waits, to see whether the service is back.
 * `question`: the last good text, asked about in doubt.
 */
export type CallRole = 'record' | 'probe' | 'question'

export type CallResult =
  | { readonly status: 'ok'; readonly analyses: readonly Analysis[]; readonly startedMs: number }
  | {
      readonly status: 'failed'
      readonly error: EnrichdError
      readonly startedMs: number
      /** On the scale of `NlpService.verdict`. */
      readonly beganAt: number
    }
  /** It was not made, or it was cut off, because its record's waiting or the process is over. */
  | { readonly status: 'stopped' }

/** Whoever asked for a call, and is told once how it ended. A function: a promise for each step of a record costs more than the step. */
export type Done = (result: CallResult) => void

/** Whoever makes calls. One object for all of them. */
export interface CallHost {
  /** A good answer is known: once, and before `done`. */
  answered(call: Call): void
  done(call: Call, analyses: readonly Analysis[]): void
  failed(call: Call, error: unknown): void
}

export interface CallOptions {
  readonly role: CallRole
  readonly texts: readonly string[]
  readonly startedMs: number
  readonly asker: Done
}

/** One call in flight. */
export class Call implements AnalyserCall {
  readonly role: CallRole
  readonly texts: readonly string[]
  readonly startedMs: number
  readonly asker: Done
  canceller: Canceller | undefined
  /** Set when we cut it off ourselves: then its failure says nothing of the service. */
  cutOff: 'stopped' | 'hung' | undefined
  /** The log's: when it began, on the log's own scale: order of events, not time. */
  beganAt = 0
  /** The log's: calls in flight when it began, itself included. */
  level = 0
  /** The log's: where it is. */
  slot = -1
  readonly #host: CallHost
  #answered = false

  constructor(host: CallHost, { role, texts, startedMs, asker }: CallOptions) {
    this.#host = host
    this.role = role
    this.texts = texts
    this.startedMs = startedMs
    this.asker = asker
  }

  answered(): void {
    if (this.#answered) return
    this.#answered = true
    this.#host.answered(this)
  }

  done(analyses: readonly Analysis[]): void {
    this.answered()
    this.#host.done(this, analyses)
  }

  failed(error: unknown): void {
    this.#host.failed(this, error)
  }
}
