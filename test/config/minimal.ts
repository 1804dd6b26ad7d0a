import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError, type Problem } from '../../src/config/config-error.js'
import { loadConfig, type ConfigSources, type LoadedConfig } from '../../src/config/load.js'

/** What must be set before anything else can be. */
export const minimalEnvironment: Readonly<Record<string, string>> = {
  ENRICHD_KAFKA_BROKERS: 'localhost:9092',
  ENRICHD_KAFKA_TOPICS: 'logs',
  ENRICHD_KAFKA_GROUP_ID: 'test',
  ENRICHD_NLP_URL: 'http://localhost:8090/',
  ENRICHD_ELASTICSEARCH_NODES: 'http://localhost:9200',
}

/** Loads what is given on top of the minimum. */
export function load(
  settings: Readonly<Record<string, string>> = {},
  sources: ConfigSources = {},
): LoadedConfig {
  return loadConfig({
    files: sources.files ?? [],
    environment: { ...minimalEnvironment, ...sources.environment },
    set: [...(sources.set ?? []), ...Object.entries(settings)],
  })
}

/** The problems that loading finds; none where it succeeds. */
export function problemsOf(run: () => unknown): readonly Problem[] {
  try {
    run()
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

/** The keys of the problems that these settings on top of the minimum cause. */
export function complaints(
  settings: Readonly<Record<string, string>>,
  sources: ConfigSources = {},
): string[] {
  return problemsOf(() => load(settings, sources)).map(({ key }) => key)
}

/** Runs with files of the given texts; their paths are handed over, by name. */
export function withFiles<Name extends string, T>(
  texts: Readonly<Record<Name, string>>,
  run: (paths: Readonly<Record<Name, string>>) => T,
): T {
  const directory = mkdtempSync(join(tmpdir(), 'enrichd-config-'))
  try {
    const paths = Object.entries<string>(texts).map(([name, text]) => {
      const path = join(directory, name)
      writeFileSync(path, text)
      return [name, path] as const
    })
    return run(Object.fromEntries(paths) as Record<Name, string>)
  } finally {
    rmSync(directory, { recursive: true })
  }
}
