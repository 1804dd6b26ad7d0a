import { relay } from './relay.js'
import type { Stage } from './stage.js'

/**
 * Changes each item by a synchronous function, in order; nothing is held. An error that `change` throws ends the stage,
 * after the source was closed.
 */
export function map<In, Out>(change: (item: In) => Out): Stage<In, Out> {
  return relay<In, Out>({
    ahead: 0,
    take: (item, handOn) => {
      handOn(change(item))
    },
  })
}
