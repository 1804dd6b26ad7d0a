import type { Format } from './format.js'

/** A setting is required where the other one has this value; `always` stands alone. */
export type Requirement = 'always' | readonly (readonly [key: string, value: string])[]

export interface SettingOptions {
  /** What it does, in one or two sentences. */
  readonly doc: string
  /** As it would be written in a variable. */
  readonly example: string
  /** Never printed. */
  readonly secret?: boolean
  readonly requiredWhere?: Requirement
  /** Where the default depends on other settings: how, in words. */
  readonly defaultNote?: string
}

/** A leaf of the schema: convict's own fields (`default`, `doc`, `format`, `sensitive`) and ours. */
export interface Setting<T> extends SettingOptions {
  readonly default: T
  /** convict's form of `type.accept`; the default itself is always allowed. */
  readonly format: (value: unknown) => void
  readonly sensitive: boolean
  readonly type: Format<Exclude<T, undefined>>
}

/** A section of the schema. */
export interface Section {
  readonly [name: string]: Section | Setting<unknown>
}

/** The values that a schema describes: its settings' types, nested as they are. */
export type ValuesOf<S> = S extends Setting<infer T> ? T : { readonly [Name in keyof S]: ValuesOf<S[Name]> }

/** A setting with a default. */
export function setting<T extends object | string | number | boolean>(
  type: Format<T>,
  defaultValue: NoInfer<T>,
  options: SettingOptions,
): Setting<T> {
  return leaf(type, defaultValue, options)
}

/** A setting that may stay without a value. */
export function optional<T extends object | string | number | boolean>(
  type: Format<T>,
  options: SettingOptions,
): Setting<T | undefined> {
  return leaf<T | undefined>(type, undefined, options)
}

function leaf<T>(type: Format<Exclude<T, undefined>>, defaultValue: T, options: SettingOptions): Setting<T> {
  const format = (value: unknown): void => {
    if (value === defaultValue || isEmptyList(value, defaultValue)) return
    const accepted = type.accept(value)
    if (!accepted.ok) throw new TypeError(`expected ${accepted.expected}`)
  }
  return { ...options, default: defaultValue, format, sensitive: options.secret ?? false, type }
}

/** convict clones defaults: an empty list that means "not set" is known by being empty. */
function isEmptyList(value: unknown, defaultValue: unknown): boolean {
  return (
    Array.isArray(value) && Array.isArray(defaultValue) && value.length === 0 && defaultValue.length === 0
  )
}

/** Whether a node of the schema is a setting; sections have no `default`. */
export function isSetting(node: Section | Setting<unknown>): node is Setting<unknown> {
  return 'default' in node
}
