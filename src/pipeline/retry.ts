import { backOff, type BackOffOptions } from './back-off.js'
import { checkAmount, checkCount } from './bound.js'
import { systemClock, type Clock } from './clock.js'
import { sleep } from './sleep.js'

export interface Verdict {
  /** Trying again may help. */
  readonly retryable: boolean
  /** The other side asked us to wait this long, in ms; it wins over a shorter back-off. */
  readonly retryAfterMs?: number | undefined
}

export interface RetryOptions extends BackOffOptions {
  /** Attempts in all; an integer from 1. */
  readonly limit: number
  /** Says what an error means. Must be total. */
  readonly classify: (error: unknown) => Verdict
  /** Called before each wait, with the attempt that failed. */
  readonly onRetry?: (error: unknown, attempt: number) => void
  readonly signal?: AbortSignal | undefined
  /** Default: the system's. */
  readonly clock?: Clock
}

/**
 * Tries until it succeeds, at most `limit` times, with `backOff` between the attempts (numbered from 1). An abort ends the
 * waiting, and no attempt begins after it; to end an attempt that is under way is the attempt's own affair.
 *
 * @throws the last attempt's error, when it was not retryable, the limit was reached, or `signal` was aborted since; the
 * signal's reason when it was aborted before the first; RangeError for a bound that is none
 */
export async function retry<T>(
  attemptOnce: (attempt: number) => Promise<T>,
  options: RetryOptions,
): Promise<T> {
  const { limit, classify, onRetry, signal, clock = systemClock } = options
  checkCount('limit', limit)
  checkAmount('delayMs', options.delayMs)
  checkAmount('maxDelayMs', options.maxDelayMs)
  signal?.throwIfAborted()
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptOnce(attempt)
    } catch (error) {
      const { retryable, retryAfterMs = 0 } = classify(error)
      if (!retryable || attempt >= limit || signal?.aborted === true) throw error
      onRetry?.(error, attempt)
      const delayMs = Math.max(retryAfterMs, backOff(attempt, options))
      await sleep(delayMs, { clock, signal }).catch(() => {
        throw error
      })
    }
  }
}
