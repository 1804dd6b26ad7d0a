import { EnrichdError } from '../errors.js'
import type { Clock } from '../pipeline/clock.js'
import type { Call } from './call.js'
import type { CallLog } from './call-log.js'

export interface CallCutterOptions {
  readonly log: CallLog
  readonly clock: Clock
  /** How long no answer is nothing unusual, in ms. */
  readonly patienceMs: () => number
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

  /** The service is up: questions have their answer and make room at once, calls that hung through the outage soon. */
  cutAfterOutage(): void {
    const { clock } = this.#options
    this.#endQuestions()
    this.#timer = clock.setTimeout(() => {
      for (const call of this.#hung()) cut(call)
    }, graceMs)
  }

  /** The same where it was only slow: calls that hang are let be. For how long the oldest has, in ms; 0 where none does. */
  spareAfterOutage(): number {
    this.#endQuestions()
    const [oldest] = this.#hung()
    return oldest === undefined ? 0 : this.#options.clock.now() - oldest.startedMs
  }

  close(): void {
    this.#options.clock.clearTimeout(this.#timer)
    this.stopQuestions()
  }

  #endQuestions(): void {
    for (const question of this.#questions()) cut(question)
    this.#options.clock.clearTimeout(this.#timer)
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
