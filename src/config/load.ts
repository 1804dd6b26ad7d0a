import convict from 'convict'
import { ConfigError, mask, showValue, type Problem } from './config-error.js'
import { derivedDefaults } from './derived-defaults.js'
import { environmentLayer, type Environment } from './environment-layer.js'
import { fileLayer } from './file-layer.js'
import type { Given } from './layer.js'
import { rules } from './rules.js'
import { schema, settings, valueAt, variableOf, type Config } from './schema.js'
import { setLayer } from './set-layer.js'
import type { Requirement } from './setting.js'

export interface ConfigSources {
  /** Paths of YAML or JSON files; later ones win. Default none. */
  readonly files?: readonly string[]
  /** The environment, as it is; variables that do not begin with `ENRICHD_` are left alone. Default empty. */
  readonly environment?: Environment
  /** Keys and texts of `--set`; later ones win. Default none. */
  readonly set?: readonly (readonly [key: string, text: string])[]
}

export interface LoadedConfig {
  /** Frozen, all through. */
  readonly config: Config
  /** For every key where its value came from: `enrichd.yaml:12`, a variable, `--set`, or `default`. */
  readonly origins: ReadonlyMap<string, string>
}

/**
 * The effective configuration: defaults, under files, under the environment, under `--set`. A value that a later place
 * overrides is not checked; unknown keys and variables are refused wherever they are.
 *
 * @throws ConfigError with everything that is wrong, at once
 */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const { given, values, faults } = readSources(sources)
  const holder = assemble(values)
  const config = holder.getProperties()
  const invalid = new Set(faults.map(({ key }) => key))
  const found = [...faults, ...missing(config, given, invalid), ...contradictions(config, given, invalid)]
  if (found.length > 0) throw new ConfigError(found)
  holder.validate({ allowed: 'strict' })
  return { config: deepFreeze(config), origins: originsOf(given) }
}

/**
 * For a command that uses no setting: whatever is given is checked value by value; nothing is required.
 *
 * @throws ConfigError with everything that is wrong, at once
 */
export function checkGiven(sources: ConfigSources): void {
  const { faults } = readSources(sources)
  if (faults.length > 0) throw new ConfigError(faults)
}

interface Read {
  readonly given: GivenByKey
  readonly values: ReadonlyMap<string, unknown>
  readonly faults: readonly Problem[]
}

function readSources({ files = [], environment = {}, set = [] }: ConfigSources): Read {
  const layers = [...files.map(fileLayer), environmentLayer(environment), setLayer(set)]
  const given = new Map(layers.flatMap((layer) => layer.given).map((value) => [value.key, value]))
  const { values, problems } = accept(given)
  return { given, values, faults: [...layers.flatMap((layer) => layer.problems), ...problems] }
}

type GivenByKey = ReadonlyMap<string, Given>

function accept(given: GivenByKey): { values: Map<string, unknown>; problems: Problem[] } {
  const values = new Map<string, unknown>()
  const problems: Problem[] = []
  for (const { key, origin, raw } of given.values()) {
    const setting = settings.get(key)
    if (setting === undefined) continue
    const accepted = setting.type.accept(raw)
    if (accepted.ok && setting.sensitive && raw === mask) {
      problems.push({
        key,
        origin,
        value: mask,
        expected: 'the secret itself, not what is printed in its place',
      })
    } else if (accepted.ok) {
      values.set(key, accepted.value)
    } else {
      problems.push({ key, origin, value: showValue(setting, raw), expected: accepted.expected })
    }
  }
  return { values, problems }
}

/** convict holds the values; it is shown neither the environment nor the arguments, which it would read in its own way. */
function assemble(values: ReadonlyMap<string, unknown>): convict.Config<Config> {
  const holder = convict<Config>(schema, { env: {}, args: [] })
  for (const [key, value] of values) holder.set(key, value)
  for (const [key, derive] of derivedDefaults) {
    if (!values.has(key))
      holder.set(
        key,
        derive((other) => holder.get(other as keyof Config)),
      )
  }
  return holder
}

/** A value that is invalid counts as there, since its own problem says more; so does one that is required only perhaps. */
function missing(config: Config, given: GivenByKey, invalid: ReadonlySet<string>): Problem[] {
  const problems: Problem[] = []
  for (const [key, setting] of settings) {
    if (setting.requiredWhere === undefined || given.has(key) || invalid.has(key)) continue
    if (dependsOn(setting.requiredWhere, invalid)) continue
    const reason = reasonFor(setting.requiredWhere, config)
    if (reason === undefined) continue
    const how = `${setting.type.expected}${reason}; set it in a file, as ${variableOf(key)}, or with --set`
    problems.push({ key, value: 'missing', expected: how })
  }
  return problems
}

function dependsOn(requirement: Requirement, keys: ReadonlySet<string>): boolean {
  return requirement !== 'always' && requirement.some(([key]) => keys.has(key))
}

function reasonFor(requirement: Requirement, config: Config): string | undefined {
  if (requirement === 'always') return ''
  const met = requirement.find(([key, value]) => valueAt(config, key) === value)
  return met && `, because ${met[0]} is ${met[1]}`
}

function contradictions(config: Config, given: GivenByKey, invalid: ReadonlySet<string>): Problem[] {
  return rules.flatMap(({ reads, check }) => {
    if (reads.some((key) => invalid.has(key))) return []
    const objection = check(config)
    if (!objection) return []
    const setting = settings.get(objection.key)
    if (setting === undefined) return [objection]
    const current = valueAt(config, objection.key)
    if (current === undefined) return [{ ...objection, value: 'missing' }]
    const origin = given.get(objection.key)?.origin ?? 'default'
    return [{ ...objection, origin, value: showValue(setting, current) }]
  })
}

function originsOf(given: GivenByKey): ReadonlyMap<string, string> {
  return new Map([...settings.keys()].map((key) => [key, given.get(key)?.origin ?? 'default']))
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const inner of Object.values(value)) deepFreeze(inner)
  return Object.freeze(value)
}
