import { abortReason } from './abort-reason.js'
import { systemClock, type Clock } from './clock.js'

export interface SleepOptions {
  /** Default: the system's. */
  readonly clock?: Clock
  readonly signal?: AbortSignal | undefined
}

/**
 * Waits `delayMs` milliseconds.
 *
 * @throws the signal's reason, at once, when it is or becomes aborted; no timer is left behind
 */
export function sleep(delayMs: number, { clock = systemClock, signal }: SleepOptions = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(abortReason(signal))
      return
    }
    const abort = () => {
      clock.clearTimeout(timer)
      reject(abortReason(signal))
    }
    const timer = clock.setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, delayMs)
    signal?.addEventListener('abort', abort, { once: true })
  })
}
