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

  /** Cuts the oldest call that has hung since before the line tripped, if there is one. */
  cutOldestHung(): boolean {
    const [oldest] = this.#hung()
    if (oldest) cut(oldest)
    return oldest !== undefined
  }

  /** The service is up: questions have their answer and make room at once, calls that hung through the outage soon. */
  cutAfterOutage(): void {
    const { clock } = this.#options
    for (const question of this.#questions()) cut(question)
    clock.clearTimeout(this.#timer)
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
