/** Calls `then` once the signal is aborted, with its reason in words. */
export function onAbort(signal: AbortSignal, then: (reason: string) => void): void {
  const tell = () => {
    then(signal.reason instanceof Error ? signal.reason.message : 'asked to stop')
  }
  if (signal.aborted) tell()
  else signal.addEventListener('abort', tell, { once: true })
}
