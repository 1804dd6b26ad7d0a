/**
 * What `work` resolves with, unless the signal is aborted first: then it is not begun, or not waited for any longer.
 *
 * @throws the signal's reason, or what `work` throws
 */
export async function unlessAborted<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  let stop: (() => void) | undefined
  const stopped = new Promise<never>((_, reject) => {
    stop = () => {
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([work(), stopped])
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop)
  }
}
