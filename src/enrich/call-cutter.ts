import { EnrichdError } from '../errors.js'
import type { Clock } from '../pipeline/clock.js'
import type { Call } from './call.js'
import type { CallLog } from './call-log.js'

export interface CallCutterOptions {
  readonly log: CallLog
  readonly clock: Clock
  /** How long no answer is nothing unusual, in ms. */
  readonly patienceMs: () => number
  /** Told of the oldest call that is let be though it has taken so long, in ms. */
  readonly onSlow: (ageMs: number) => void
}

/** After an outage, calls that hung through it get this long to come back before they are cut off. */
const graceMs = 250

/** Ends calls in flight for reasons of the line's own. What they then fail with is nobody's fault. */
export class CallCutter {
  readonly #options: CallCutterOptions
  #timer: unknown

  constructor(options: CallCutterOptions) {
    this.#options = options
  }

  /** The process goes: every call. */
  readonly stopAll = (): void => {
    stop(this.#options.log.calls())
  }

  /** Nobody wants to know any more: the questions. */
  readonly stopQuestions = (): void => {
    stop(this.#questions())
  }

  /** Whether a question is in flight. */
  get isAsking(): boolean {
    return this.#questions().length > 0
  }

  /** Makes room: cuts the youngest call that has hung since before the line tripped, which loses least if it was only slow. */
  cutOneHung(): boolean {
    const youngest = this.#hung().at(-1)
    if (youngest) cut(youngest)
    return youngest !== undefined
  }

  /**
   * The service is up: questions have their answer and make room at once, calls that hung through the outage soon; or, with
   * `sparing`, are let be.
   */
  cutAfterOutage({ sparing }: { readonly sparing: boolean }): void {
    const { clock, onSlow } = this.#options
    for (const question of this.#questions()) cut(question)
    clock.clearTimeout(this.#timer)
    const [oldest] = this.#hung()
    if (sparing && oldest) onSlow(clock.now() - oldest.startedMs)
    if (sparing) return
    this.#timer = clock.setTimeout(() => {
      for (const call of this.#hung()) cut(call)
    }, graceMs)
  }

  close(): void {
    this.#options.clock.clearTimeout(this.#timer)
    this.stopQuestions()
  }

  #questions(): Call[] {
    return this.#options.log.calls().filter(({ role }) => role === 'question')
  }

  #hung(): Call[] {
    const { log, clock, patienceMs } = this.#options
    return log.hung(clock.now() - patienceMs())
  }
}

function cut(call: Call): void {
  call.cutOff = 'hung'
  const message = 'the call was cut off: it hung while the NLP service was down'
  call.canceller?.cancel(new EnrichdError('NLP_TIMEOUT', message, { kind: 'outage' }))
}

function stop(calls: readonly Call[]): void {
  for (const call of calls) {
    call.cutOff = 'stopped'
    call.canceller?.cancel(new Error('stopped'))
  }
}
