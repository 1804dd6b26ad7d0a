import { checkAmount, checkCount } from './bound.js'

export interface BackOffOptions {
  /** The delay that is multiplied by the attempt, in ms; 0 or more. */
  readonly delayMs: number
  /** The longest delay, in ms; 0 or more. */
  readonly maxDelayMs: number
  /** Uniform in [0, 1). Default: `Math.random`. */
  readonly random?: () => number
}

/**
 * How long to wait after a failed attempt, in ms: between 0 and `delayMs` times the attempt, at most `maxDelayMs`, with
 * full jitter (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015), so that those who failed
 * together do not come back together.
 *
 * @param attempt the attempt that failed, from 1
 * @throws RangeError for an attempt or a delay that is none
 */
export function backOff(
  attempt: number,
  { delayMs, maxDelayMs, random = Math.random }: BackOffOptions,
): number {
  checkCount('attempt', attempt)
  checkAmount('delayMs', delayMs)
  checkAmount('maxDelayMs', maxDelayMs)
  return random() * Math.min(maxDelayMs, delayMs * attempt)
}
