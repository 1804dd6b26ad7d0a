import type { Stage } from './stage.js'

/** Hands on the items for which `keep` is true, in order; nothing is held. An error of `keep` ends the stage. */
export function filter<In, Out extends In>(keep: (item: In) => item is Out): Stage<In, Out>
export function filter<In>(keep: (item: In) => boolean): Stage<In, In>
export function filter<In>(keep: (item: In) => boolean): Stage<In, In> {
  return async function* (source) {
    for await (const item of source) if (keep(item)) yield item
  }
}
