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
 * @throws RangeError for an attempt below 1 or a negative delay
 */
export function backOff(
  attempt: number,
  { delayMs, maxDelayMs, random = Math.random }: BackOffOptions,
): number {
  if (!(attempt >= 1)) throw new RangeError(`attempt: expected 1 or more, got ${attempt}`)
  if (!(delayMs >= 0)) throw new RangeError(`delayMs: expected 0 or more, got ${delayMs}`)
  if (!(maxDelayMs >= 0)) throw new RangeError(`maxDelayMs: expected 0 or more, got ${maxDelayMs}`)
  return random() * Math.min(maxDelayMs, delayMs * attempt)
}
