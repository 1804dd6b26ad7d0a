import { showWhole } from './config-error.js'
import type { LoadedConfig } from './load.js'
import { settings, valueAt } from './schema.js'
import type { Setting } from './setting.js'

/**
 * The effective configuration as YAML, with the origin of each value as a comment. Secrets are masked; settings without a
 * value stand as comments.
 */
export function renderConfig({ config, origins }: LoadedConfig): string {
  const lines: string[] = []
  let open: readonly string[] = []
  for (const [key, setting] of settings) {
    const path = key.split('.')
    const parents = path.slice(0, -1)
    const shared = sharedLength(open, parents)
    for (const [depth, name] of parents.entries()) {
      if (depth >= shared) lines.push(`${indent(depth)}${name}:`)
    }
    open = parents
    const name = path.at(-1) ?? ''
    const origin = origins.get(key) ?? 'default'
    lines.push(indent(parents.length) + settingLine({ name, setting, value: valueAt(config, key), origin }))
  }
  return `${lines.join('\n')}\n`
}

interface Line {
  readonly name: string
  readonly setting: Setting<unknown>
  readonly value: unknown
  readonly origin: string
}

function settingLine({ name, setting, value, origin }: Line): string {
  const isDefault = origin === 'default'
  if (value === undefined || (isDefault && setting.requiredWhere !== undefined)) return `# ${name}: not set`
  // Defaults are in the documentation: nothing to hide.
  const shown = isDefault ? JSON.stringify(value) : showWhole(setting, value)
  return `${name}: ${yamlText(shown)}  # ${origin}`
}

function indent(depth: number): string {
  return '  '.repeat(depth)
}

function sharedLength(one: readonly string[], other: readonly string[]): number {
  const differs = other.findIndex((name, depth) => one[depth] !== name)
  return differs === -1 ? other.length : differs
}

/** JSON is YAML; what is shown in another way (masks, sizes of texts) is quoted. */
function yamlText(shown: string): string {
  return /^["[{]|^-?\d|^(true|false)$/.test(shown) ? shown : JSON.stringify(shown)
}
