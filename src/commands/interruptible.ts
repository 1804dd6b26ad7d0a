/**
 * What `work` resolves with. Where the signal comes first it is not waited for any longer.
 *
 * @throws the signal's reason, or what `work` throws
 */
export async function interruptible<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  let interrupt: (() => void) | undefined
  const interrupted = new Promise<never>((_, reject) => {
    interrupt = () => {
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', interrupt, { once: true })
  })
  try {
    return await Promise.race([work(), interrupted])
  } finally {
    if (interrupt !== undefined) signal.removeEventListener('abort', interrupt)
  }
}
