import type { Config } from './schema.js'

/** What a rule found: which setting to change, and what was expected of it. */
export interface Objection {
  readonly key: string
  readonly expected: string
}

/**
 * A rule between settings. It is asked only where every setting of `reads` has a valid value, so that one mistake is
 * reported once.
 */
export interface Rule {
  readonly reads: readonly string[]
  readonly check: (config: Config) => Objection | false | undefined
}

/** Two settings of which neither makes sense without the other. */
export function belongTogether<Name extends string>(
  values: Readonly<Record<Name, string | undefined>>,
  [one, other]: readonly [Name, Name],
  section: string,
): Objection | undefined {
  if ((values[one] === undefined) === (values[other] === undefined)) return undefined
  const [missing, there] = values[one] === undefined ? [one, other] : [other, one]
  return { key: `${section}.${missing}`, expected: `a value, because ${section}.${there} is set` }
}
