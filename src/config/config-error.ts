import { EnrichdError } from '../errors.js'
import type { Setting } from './setting.js'

/** What stands in place of a secret. */
export const mask = '***'

const maxShownLength = 120

/** One thing that is wrong with the configuration. */
export interface Problem {
  /** The setting, or what was taken for one. */
  readonly key: string
  /** Where it came from: `enrichd.yaml:12`, a variable, `--set`, `default`; none where it is missing. */
  readonly origin?: string
  /** The value as it may be printed; none where it could be a secret in the wrong place. */
  readonly value?: string
  /** Completes "expected …". */
  readonly expected: string
}

/** `CONFIG_INVALID`, with everything that is wrong at once. No secret is in it. */
export class ConfigError extends EnrichdError {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
    const lines = problems.map((problem) => `  ${describe(problem)}`)
    super('CONFIG_INVALID', [`The configuration is invalid, ${count}:`, ...lines].join('\n'), {
      kind: 'setting',
    })
    this.problems = problems
  }
}

function describe({ key, origin, value, expected }: Problem): string {
  const where = origin === undefined ? '' : ` (${origin})`
  const found = value === undefined ? '' : ` is ${value},`
  return `${key}${where}:${found} expected ${expected}`
}

/** A value as it may be printed, on one line; secrets are masked. */
export function showWhole(setting: Setting<unknown>, value: unknown): string {
  return setting.sensitive ? mask : (setting.type.show ?? JSON.stringify)(value)
}

/** The same for a message: not endless. */
export function showValue(setting: Setting<unknown>, value: unknown): string {
  const shown = showWhole(setting, value)
  return shown.length > maxShownLength ? `${shown.slice(0, maxShownLength)}…` : shown
}
