import type { Json } from '../delivery/log-record.js'

/** Finds a field by its name: the own property of that name, else, where the name has dots, the nested path. */
export type FieldLookup = (fields: { [key: string]: Json }) => Json | undefined

/** Looks up one name. `log.level` finds `{"log.level": 1}` and `{"log": {"level": 1}}`, the literal one first. */
export function fieldLookup(name: string): FieldLookup {
  const path = name.split('.')
  const literal: FieldLookup = (fields) => (Object.hasOwn(fields, name) ? fields[name] : undefined)
  return path.length === 1 ? literal : (fields) => literal(fields) ?? nested(fields, path)
}

function nested(fields: { [key: string]: Json }, path: readonly string[]): Json | undefined {
  let value: Json | undefined = fields
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as { [key: string]: Json })[step]
  }
  return value
}
