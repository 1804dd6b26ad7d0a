import type { Stage } from './stage.js'

/** Hands on the items of each array, in order; holds one array. */
export function flatten<T>(): Stage<readonly T[], T> {
  return async function* (source) {
    for await (const items of source) yield* items
  }
}
