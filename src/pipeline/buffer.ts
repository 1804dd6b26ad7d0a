import { checkCount } from './bound.js'
import { relay } from './relay.js'
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
  return relay<T, T>({
    ahead: size,
    take: (item, handOn) => {
      handOn(item)
    },
  })
}
