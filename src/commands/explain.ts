import { ConfigError } from '../config/config-error.js'
import { EnrichdError } from '../errors.js'
import { exitCodes } from './command.js'
import { UsageError } from './usage-error.js'

/** The exit code of a command that threw `error`. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return exitCodes.usage
  return isInvalidConfig(error) ? exitCodes.configInvalid : exitCodes.failed
}

/** Also what shows only where a setting is used: the module that `nlp.protocol` names, above all. */
function isInvalidConfig(error: unknown): boolean {
  return error instanceof ConfigError || (error instanceof EnrichdError && error.code === 'CONFIG_INVALID')
}

/**
 * An error for the terminal: its message and those of its causes. Messages only: the fields of a client's error can hold
 * a request's headers, and those a secret.
 */
export function explain(error: unknown): string {
  if (error instanceof UsageError) return `enrichd: ${error.message} (see enrichd --help)`
  if (error instanceof ConfigError) return error.message
  return `enrichd: ${story(error, 0).join('\n  because: ')}`
}

const maxDepth = 8

function story(error: unknown, depth: number): string[] {
  if (depth === maxDepth) return []
  if (!(error instanceof Error)) return [`${typeof error} was thrown`]
  const several = error instanceof AggregateError ? (error.errors as unknown[]) : []
  const causes = error.cause === undefined ? several : [error.cause, ...several]
  return [error.message, ...causes.flatMap((cause) => story(cause, depth + 1))]
}

/** The same for an error that nobody caught, with its stack. Node would print all its fields, and a client's errors hold headers. */
export function explainCrash(error: unknown): string {
  return `${explain(error)}\n${error instanceof Error ? (error.stack ?? '') : ''}\n`
}
