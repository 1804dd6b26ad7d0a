import type { Analyser, AnalyserCall } from '../../../src/enrich/analyser.js'
import { EnrichdError, type ErrorCode, type FailureKind } from '../../../src/errors.js'
import type { Clock } from '../../../src/pipeline/clock.js'

/** What the service does with one call: an answer, a failure, or nothing until it is cut off or times out. */
export type Behaviour = 'ok' | 'hang' | EnrichdError

export interface ScriptedOptions {
  readonly clock: Clock
  readonly latencyMs?: number | ((texts: readonly string[]) => number)
  readonly timeoutMs?: number
  readonly maxTexts?: number
  /** How long a failing answer takes. */
  readonly failureMs?: number
  readonly behave?: (texts: readonly string[], inFlight: number) => Behaviour
}

export function failure(kind: FailureKind, code: ErrorCode, retryAfterMs?: number): EnrichdError {
  return new EnrichdError(code, `scripted ${code}`, { kind, retryAfterMs })
}
export const refused = failure('outage', 'NLP_UNREACHABLE')
export const overloaded = failure('outage', 'NLP_OVERLOADED')
export const serverError = failure('suspect', 'NLP_SERVER_ERROR')
export const rejected = failure('record', 'NLP_REJECTED')
export const forbidden = failure('setting', 'NLP_MISCONFIGURED')

/** An NLP service without a network, on a clock of the test's. */
export class ScriptedAnalyser implements Analyser {
  readonly name = 'scripted'
  readonly maxTexts: number
  readonly calls: { readonly texts: readonly string[]; readonly atMs: number }[] = []
  readonly answered: string[] = []
  inFlight = 0
  maxInFlight = 0
  behave: (texts: readonly string[], inFlight: number) => Behaviour
  readonly #options: ScriptedOptions

  constructor(options: ScriptedOptions) {
    this.#options = options
    this.maxTexts = options.maxTexts ?? 1
    this.behave = options.behave ?? (() => 'ok')
  }

  analyse(texts: readonly string[], call: AnalyserCall): void {
    const { clock, latencyMs = 10, timeoutMs = 10_000, failureMs = 1 } = this.#options
    this.calls.push({ texts, atMs: clock.now() })
    const behaviour = this.behave(texts, this.inFlight)
    this.maxInFlight = Math.max(this.maxInFlight, ++this.inFlight)
    const end = (tell: () => void) => {
      clock.clearTimeout(timer)
      call.canceller = undefined
      this.inFlight--
      queueMicrotask(tell)
    }
    call.canceller = { cancel: (reason) => end(() => call.failed(reason)) }
    const answer = () => {
      if (behaviour === 'hang') end(() => call.failed(failure('suspect', 'NLP_TIMEOUT')))
      else if (behaviour !== 'ok') end(() => call.failed(behaviour))
      else {
        this.answered.push(...texts)
        end(() => call.done(texts.map(() => ({ entities: [], severity: 'low' as const }))))
      }
    }
    const wait = behaviour === 'hang' ? timeoutMs : behaviour === 'ok' ? latencyMs : failureMs
    const timer = clock.setTimeout(answer, typeof wait === 'number' ? wait : wait(texts))
  }

  async close(): Promise<void> {}
}
