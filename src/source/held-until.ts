import { nextReady, type ReadyIterator } from '../pipeline/ready-iterator.js'

/**
 * The same items, none of which is asked for before `ready` has resolved; it is called by the first `next()`. An error of
 * `ready` is that of the iteration. For one consumer that asks for one item at a time.
 */
export function heldUntil<T>(ready: () => Promise<void>, source: AsyncIterable<T>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]: (): ReadyIterator<T> => {
      const items = source[Symbol.asyncIterator]()
      let started = false
      const start = async () => {
        await ready()
        started = true
        return items.next()
      }
      return {
        nextReady: () => (started ? nextReady(items) : undefined),
        next: () => (started ? items.next() : start()),
        return: async () => (await items.return?.()) ?? { done: true, value: undefined },
      }
    },
  }
}
