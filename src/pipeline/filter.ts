import { relay } from './relay.js'
import type { Stage } from './stage.js'

/**
 * Hands on the items for which `keep` is true, in order; nothing is held. An error that `keep` throws ends the stage,
 * after the source was closed.
 */
export function filter<In, Out extends In>(keep: (item: In) => item is Out): Stage<In, Out>
export function filter<In>(keep: (item: In) => boolean): Stage<In, In>
export function filter<In>(keep: (item: In) => boolean): Stage<In, In> {
  return relay<In, In>({
    ahead: 0,
    take: (item, handOn) => {
      if (keep(item)) handOn(item)
    },
  })
}
