import { settings, valueAt, type Config } from './schema.js'

/** Every secret value of the configuration, so that it can be kept out of logs and answers. */
export function secretsOf(config: Config): string[] {
  return [...settings].flatMap(([key, { sensitive }]) => (sensitive ? textsOf(valueAt(config, key)) : []))
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return value === '' ? [] : [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : []
}
