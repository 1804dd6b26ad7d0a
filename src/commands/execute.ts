import { checkGiven, loadConfig } from '../config/load.js'
import { unlessAborted } from '../pipeline/unless-aborted.js'
import { exitCodes, type Command, type CommandContext } from './command.js'
import { parseCommandLine } from './command-line.js'
import { exitCodeOf, explain } from './explain.js'
import { commandUsage, programUsage } from './usage.js'

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
    return exitCodeOf(error)
  }
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
