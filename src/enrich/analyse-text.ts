import type { SourceRecord } from '../delivery/delivery.js'
import type { EnrichdError } from '../errors.js'
import { backOff } from '../pipeline/back-off.js'
import type { Clock } from '../pipeline/clock.js'
import type { Slot } from '../pipeline/map-concurrent.js'
import { sleep } from '../pipeline/sleep.js'
import type { Telemetry } from '../telemetry/telemetry.js'
import type { Analysis } from './analysis.js'
import type { Asker } from './asker.js'
import type { CallResult } from './call.js'
import type { NlpService } from './nlp-service.js'
import type { Stop } from './stop.js'

export interface RetryOptions {
  /** Attempts that count, the first included; 1 or more. */
  readonly limit: number
  /** Times the try, with full jitter. */
  readonly delayMs: number
  readonly maxDelayMs: number
  /** For the jitter, uniform in [0, 1). Default: `Math.random`. */
  readonly random?: () => number
}

export interface AnalyseTextOptions {
  readonly service: NlpService
  readonly asker: Asker
  readonly retry: RetryOptions
  readonly telemetry: Pick<Telemetry, 'retrying'>
  readonly clock: Clock
}

interface Attempts {
  /** Those that counted, the successful one included. */
  readonly attempts: number
  /** When the first one began; undefined where none was made. */
  readonly startedMs: number | undefined
}

export type Analysed =
  | ({ readonly status: 'analysed'; readonly analysis: Analysis } & Attempts)
  | ({
      readonly status: 'failed'
      readonly reason: 'nlp-rejected' | 'nlp-failed'
      readonly error: EnrichdError
    } & Attempts)
  | { readonly status: 'stopped' }

/** A text on its way to an answer, and what it holds meanwhile. */
export interface Question {
  readonly text: string
  readonly record: SourceRecord
  readonly slot: Slot
  readonly stop: Stop
}

/** Who asked, and is told once. */
export interface Listener {
  readonly done: (analysed: Analysed) => void
  /** A fault of ours. */
  readonly failed: (error: unknown) => void
}

type Failed = Extract<CallResult, { status: 'failed' }>

const stopped = { status: 'stopped' } as const

/**
 * Asks until there is an answer, the text is to blame, or the waiting is over. An outage or a wrong setting never counts as an
 * attempt and is waited out for as long as it takes; a suspect failure counts only where something speaks for the service
 * (`NlpService.judge`). Between two tries the place is given back; while the whole line waits, it is kept. Ends with `done`, or
 * with `failed` where a fault of ours ends it.
 */
export function analyseText(
  question: Question,
  options: AnalyseTextOptions,
  { done, failed }: Listener,
): void {
  if (question.stop.stopped) {
    done(stopped)
    return
  }
  options.asker.ask(question.text, { alone: false, stop: question.stop }, (result) => {
    if (result.status === 'ok')
      done(answered(result.analyses[0], { attempts: 1, startedMs: result.startedMs }))
    else void askAgain(question, options, result).then(done, failed)
  })
}

async function askAgain(
  question: Question,
  options: AnalyseTextOptions,
  first: CallResult,
): Promise<Analysed> {
  const { text, stop } = question
  const startedMs = first.status === 'stopped' ? undefined : first.startedMs
  let result = first
  let counted = 0
  for (let tries = 1; ; tries++) {
    if (result.status === 'stopped') return stopped
    const attempts = counted + 1
    if (result.status === 'ok') return answered(result.analyses[0], { attempts, startedMs })
    const { error } = result
    if (error.kind === 'record')
      return { status: 'failed', reason: 'nlp-rejected', error, attempts, startedMs }
    const counts = await countsAfterWaiting({
      question,
      result,
      tries,
      options,
      last: attempts >= options.retry.limit,
    })
    if (counts === 'stopped') return stopped
    if (counts && ++counted >= options.retry.limit) {
      return {
        status: 'failed',
        reason: 'nlp-failed',
        error: error.within({ attempt: counted }),
        attempts: counted,
        startedMs,
      }
    }
    if (stop.stopped) return stopped
    result = await new Promise<CallResult>((resolve) => {
      options.asker.ask(text, { alone: true, stop }, resolve)
    })
  }
}

function answered(
  analysis: Analysis | undefined,
  { attempts, startedMs }: { readonly attempts: number; readonly startedMs: number | undefined },
): Analysed {
  return { status: 'analysed', analysis: analysis ?? { entities: [] }, attempts, startedMs }
}

interface Failure {
  readonly question: Question
  readonly result: Failed
  readonly tries: number
  readonly options: AnalyseTextOptions
  /** If this failure counts, it was the last: then there is nothing to wait for. */
  readonly last: boolean
}

/** Whether the failure counts against the text, decided after the back-off, when others have had time to succeed. */
async function countsAfterWaiting(failure: Failure): Promise<boolean | 'stopped'> {
  const { question, result, options, last } = failure
  const { error, beganAt } = result
  const suspect = error.kind === 'suspect'
  if (suspect && last && options.service.verdict(beganAt) === 'counts') return true
  options.telemetry.retrying('enrich', error, question.record)
  // Out in the line's own wait, the place is kept: nothing more is pulled, and nothing is gained by giving it to others.
  if (options.service.isDown && !suspect) return false
  if (!(await waitItsTurn(failure))) return 'stopped'
  return suspect && (await options.service.judge(beganAt, question.stop)) === 'counts'
}

/** Backs off without a place and takes one again. False if the waiting is over. */
async function waitItsTurn({ question, result, tries, options }: Failure): Promise<boolean> {
  const { slot, stop } = question
  const { retry, clock } = options
  slot.release()
  const delayMs = Math.max(backOff(tries, retry), result.error.retryAfterMs ?? 0)
  try {
    await sleep(delayMs, { clock, signal: stop.signal })
    await slot.acquire(stop.signal)
    return true
  } catch {
    return false
  }
}
