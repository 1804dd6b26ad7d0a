import { abortReason } from './abort-reason.js'
import type { Failure } from './intake.js'
import { nextReady } from './ready-iterator.js'

export interface SettleAllOptions<T> {
  readonly finish: (item: T) => void | Promise<void>
  /** Calls that may be pending at once; 1 or more. */
  readonly concurrency: number
  readonly signal: AbortSignal | undefined
  /** Told of what the iterator throws, in `next()` or `return()`. */
  readonly onError: (error: unknown) => void
}

/** Items that are dealt with before others have their turn. */
const mostAtOnce = 100

/**
 * Calls `finish` for every item until the end, the first failure, or the abort; then the iterator is closed, and the calls
 * that are pending are waited for. A stage would do, but most calls return at once, and its hops are not free.
 *
 * @throws what the iterator or `finish` threw first, or the signal's reason
 */
export async function settleAll<T>(items: AsyncIterable<T>, options: SettleAllOptions<T>): Promise<void> {
  const { finish, concurrency, signal, onError } = options
  const iterator = items[Symbol.asyncIterator]()
  let pending = 0
  let wake: () => void = () => undefined
  const change = () => new Promise<void>((resolve) => (wake = resolve))
  let failure: Failure | undefined
  let closing: Promise<unknown> | undefined
  const close = () => {
    if (closing !== undefined) return
    closing = Promise.resolve(iterator.return?.())
    closing.catch(onError)
    wake()
  }
  const fail = (reason: unknown) => {
    failure ??= { reason }
    close()
  }
  const ended = () => {
    pending--
    wake()
  }
  const failed = (reason: unknown) => {
    fail(reason)
    ended()
  }
  signal?.addEventListener('abort', close, { once: true })
  try {
    for (let atOnce = 0; ; atOnce++) {
      const mayGoOn = pending === 0 && closing === undefined && atOnce < mostAtOnce
      const ready = mayGoOn ? nextReady(iterator) : undefined
      if (ready === undefined) atOnce = 0
      const result = ready ?? (await iterator.next())
      if (result.done === true) break
      const finishing = finish(result.value)
      if (finishing === undefined) continue
      pending++
      finishing.then(ended, failed)
      while (pending >= concurrency && closing === undefined) await change()
    }
  } catch (reason) {
    onError(reason)
    fail(reason)
  }
  signal?.removeEventListener('abort', close)
  while (pending > 0) await change()
  if (failure !== undefined) {
    await closing?.catch(() => undefined)
    throw failure.reason
  }
  await closing
  if (closing !== undefined) throw abortReason(signal)
}
