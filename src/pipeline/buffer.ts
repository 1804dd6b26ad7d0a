import { checkCount } from './bound.js'
import { Intake } from './intake.js'
import { Outbox } from './outbox.js'
import type { Stage } from './stage.js'

export interface BufferOptions {
  /** Items that may wait; an integer from 1. */
  readonly size: number
}

/**
 * Works ahead of its consumer: pulls up to `size` items that wait here, in order. It takes the swing out of a chain whose
 * stages are quick at different times.
 *
 * An error of the source comes after the items that wait. An early `return()` closes the source and drops what waits.
 *
 * @throws RangeError for a size that is none
 */
export function buffer<T>({ size }: BufferOptions): Stage<T, T> {
  checkCount('size', size)
  return (source) => ({
    [Symbol.asyncIterator]() {
      const outbox = new Outbox<T>()
      const fill = () => {
        if (outbox.length < size) intake.pull()
      }
      const intake = new Intake(source, {
        item: (item) => {
          outbox.push(item)
          fill()
        },
        end: (error) => {
          outbox.close(error)
        },
      })
      return {
        next() {
          const next = outbox.next()
          fill()
          return next
        },
        async return(): Promise<IteratorResult<T>> {
          outbox.clear()
          try {
            await intake.close()
          } finally {
            outbox.close()
          }
          return { done: true, value: undefined }
        },
      }
    },
  })
}
