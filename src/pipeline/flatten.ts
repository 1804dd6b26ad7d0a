import { relay } from './relay.js'
import type { Stage } from './stage.js'

/** Hands on the items of each array, in order; holds one array. The way back from `batch`. */
export function flatten<T>(): Stage<readonly T[], T> {
  return relay<readonly T[], T>({
    ahead: 0,
    take: (items, handOn) => {
      for (const item of items) handOn(item)
    },
  })
}
