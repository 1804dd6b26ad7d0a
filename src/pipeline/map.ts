import type { Stage } from './stage.js'

/**
 * Changes each item by a synchronous function, in order; nothing is held. An error that `change` throws ends the stage,
 * after the source was closed.
 */
export function map<In, Out>(change: (item: In) => Out): Stage<In, Out> {
  return (source) => ({
    [Symbol.asyncIterator]() {
      const iterator = source[Symbol.asyncIterator]()
      return {
        async next(): Promise<IteratorResult<Out>> {
          const result = await iterator.next()
          if (result.done === true) return { done: true, value: undefined }
          try {
            return { done: false, value: change(result.value) }
          } catch (error) {
            await iterator.return?.()
            throw error
          }
        },
        return: () => close(iterator),
      }
    },
  })
}

async function close(iterator: AsyncIterator<unknown>): Promise<IteratorResult<never>> {
  await iterator.return?.()
  return { done: true, value: undefined }
}
