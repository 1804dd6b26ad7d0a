import { backOff, type BackOffOptions } from './back-off.js'
import { checkCount } from './bound.js'
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
  readonly onRetry?: (error: unknown, attempt: number) => void
  readonly signal?: AbortSignal | undefined
  /** Default: the system's. */
  readonly clock?: Clock
}

/**
 * Tries until it succeeds, at most `limit` times, with `backOff` between the attempts (from 1).
 *
 * @throws the last attempt's error, when it was not retryable, the limit is reached, or `signal` is aborted meanwhile
 */
export async function retry<T>(
  attemptOnce: (attempt: number) => Promise<T>,
  options: RetryOptions,
): Promise<T> {
  const { limit, classify, onRetry, signal, clock = systemClock } = options
  checkCount('limit', limit)
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptOnce(attempt)
    } catch (error) {
      const { retryable, retryAfterMs = 0 } = classify(error)
      if (!retryable || attempt >= limit || signal?.aborted === true) throw error
      onRetry?.(error, attempt)
      const aborted = await sleep(Math.max(retryAfterMs, backOff(attempt, options)), { clock, signal }).then(
        () => false,
        () => true,
      )
      if (aborted) throw error
    }
  }
}
