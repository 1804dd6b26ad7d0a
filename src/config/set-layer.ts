import type { Layer } from './layer.js'
import { nearest } from './nearest.js'
import { settings } from './schema.js'

/** The settings of `--set key=value`, given as pairs; a value is written as in a variable. */
export function setLayer(pairs: readonly (readonly [key: string, text: string])[]): Layer {
  return {
    given: pairs.flatMap(([key, text]) => {
      const setting = settings.get(key)
      return setting === undefined ? [] : [{ key, origin: '--set', raw: setting.type.parse(text) }]
    }),
    problems: pairs
      .filter(([key]) => !settings.has(key))
      .map(([key]) => {
        const known = nearest(key, settings.keys()) ?? ''
        return { key, origin: '--set', expected: `a known setting; the nearest is ${known}` }
      }),
  }
}
