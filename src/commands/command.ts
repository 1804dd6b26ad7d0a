import type { Readable, Writable } from 'node:stream'
import type { LoadedConfig } from '../config/load.js'

/** What the command line can say beside the options that every command has. */
export interface CommandOption {
  readonly type: 'boolean' | 'string'
  /** Given more than once it is a list. Default false. */
  readonly multiple?: boolean
  /** What stands for the value in the help: `REASON`. */
  readonly placeholder?: string
  /** One line for the help. */
  readonly doc: string
}

/** Values by option name; a `multiple` one is a list, one that was not given is `undefined`. */
export type OptionValues = Readonly<
  Record<string, string | boolean | readonly (string | boolean)[] | undefined>
>

/** What a command is given. It never exits, listens to signals or reads the process's environment by itself. */
export interface CommandContext {
  readonly options: OptionValues
  /** What is left of the command line; empty where the command takes no arguments. */
  readonly positionals: readonly string[]
  /** The configuration from `--config`, the environment and `--set`. @throws ConfigError, which ends the program with 78 */
  readonly loadConfig: () => LoadedConfig
  /** For a command that uses no setting: refuses values that are wrong, and requires none. @throws ConfigError */
  readonly checkGiven: () => void
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  /** Aborted by the first SIGTERM, SIGINT or SIGHUP: finish, and return. */
  readonly shutdown: AbortSignal
  /** Aborted by the second one: cut off what is still in flight. A third one kills the process. */
  readonly cutOff: AbortSignal
}

/** One word of the command line. */
export interface Command {
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** What stands behind the name in the help: `[RECORD]`. Without it the command takes no arguments. */
  readonly positionals?: string
  readonly options?: Readonly<Record<string, CommandOption>>
  /** It hears `shutdown` itself, and finishes what it began. Any other command ends at the first signal, with 1. */
  readonly drains?: true
  /**
   * Does it, and resolves with the exit code.
   *
   * @throws UsageError for a wrong combination of options (2), ConfigError (78); anything else ends the program with 1
   */
  readonly run: (context: CommandContext) => Promise<number>
}

/** The exit codes that scripts rely on. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  /** The drain's deadline passed, or a second signal came. */
  cutOff: 75,
  configInvalid: 78,
} as const
