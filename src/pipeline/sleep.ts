import { systemClock, type Clock } from './clock.js'

export interface SleepOptions {
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
      reject(reasonOf(signal))
      return
    }
    const abort = () => {
      clock.clearTimeout(timer)
      reject(reasonOf(signal))
    }
    const timer = clock.setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, delayMs)
    signal?.addEventListener('abort', abort, { once: true })
  })
}

function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason
  return reason instanceof Error ? reason : new Error('aborted', { cause: reason })
}
