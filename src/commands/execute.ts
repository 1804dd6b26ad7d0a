import { ConfigError } from '../config/config-error.js'
import { checkGiven, loadConfig } from '../config/load.js'
import { EnrichdError } from '../errors.js'
import { unlessAborted } from '../pipeline/unless-aborted.js'
import { exitCodes, type Command, type CommandContext } from './command.js'
import { parseCommandLine } from './command-line.js'
import { commandUsage, programUsage } from './usage.js'
import { UsageError } from './usage-error.js'

export interface ProcessContext extends Omit<
  CommandContext,
  'options' | 'positionals' | 'loadConfig' | 'checkGiven'
> {
  /** The arguments behind the program's name. */
  readonly args: readonly string[]
  readonly commands: readonly [Command, ...Command[]]
  readonly version: string
}

/** From the arguments to an exit code. Whatever goes wrong is told on `stderr`; never throws. */
export async function execute(context: ProcessContext): Promise<number> {
  try {
    return await dispatch(context)
  } catch (error) {
    context.stderr.write(`${explain(error)}\n`)
    if (error instanceof UsageError) return exitCodes.usage
    return isInvalidConfig(error) ? exitCodes.configInvalid : exitCodes.failed
  }
}

/** Also what shows only where a setting is used: the module that `nlp.protocol` names, above all. */
function isInvalidConfig(error: unknown): boolean {
  return error instanceof ConfigError || (error instanceof EnrichdError && error.code === 'CONFIG_INVALID')
}

async function dispatch({ args, commands, version, ...context }: ProcessContext): Promise<number> {
  const line = parseCommandLine(args, commands)
  if (line.help) {
    context.stdout.write(line.named ? commandUsage(line.command) : programUsage(commands))
    return exitCodes.ok
  }
  if (line.version) {
    context.stdout.write(`enrichd ${version}\n`)
    return exitCodes.ok
  }
  const { command, files, set, options, positionals } = line
  const sources = { files, environment: context.environment, set }
  const run = () =>
    command.run({
      ...context,
      options,
      positionals,
      loadConfig: () => loadConfig(sources),
      checkGiven: () => {
        checkGiven(sources)
      },
    })
  return command.drains === true ? run() : unlessAborted(run, context.shutdown)
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
