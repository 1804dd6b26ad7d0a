/**
 * The generator with a `return()` that does not wait for what the generator waits for: `onReturn` is called first and
 * makes it come to its end. (A plain generator queues `return()` behind a pending `next()`.)
 */
export function closable<T>(
  generator: AsyncGenerator<T, void>,
  onReturn: () => void,
): AsyncIterableIterator<T, void> {
  return {
    next: () => generator.next(),
    return: () => {
      onReturn()
      return generator.return()
    },
    throw: (error: unknown) => {
      onReturn()
      return generator.throw(error)
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
