import { settings, valueAt, type Config } from './schema.js'

/** Every secret value of the configuration but for the names of users, so that it can be kept out of logs and answers. */
export function secretsOf(config: Config): string[] {
  return secretKeys((name) => name !== 'username').flatMap((key) => textsOf(valueAt(config, key)))
}

/** The names of users in it: secret too, yet words that may be part of others (`elastic`). */
export function userNamesOf(config: Config): string[] {
  return secretKeys((name) => name === 'username').flatMap((key) => textsOf(valueAt(config, key)))
}

function secretKeys(wanted: (name: string) => boolean): string[] {
  return [...settings]
    .filter(([key, { sensitive }]) => sensitive && wanted(key.slice(key.lastIndexOf('.') + 1)))
    .map(([key]) => key)
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return value === '' ? [] : [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : []
}
