import { parseArgs, type ParseArgsConfig } from 'node:util'
import { nearest } from '../config/nearest.js'
import type { Command, CommandOption, OptionValues } from './command.js'
import { UsageError } from './usage-error.js'

/** The options that every command has. */
export const commonOptions = {
  config: {
    type: 'string',
    multiple: true,
    placeholder: 'FILE',
    doc: 'read settings from a YAML or JSON file; repeatable, later ones win',
  },
  set: {
    type: 'string',
    multiple: true,
    placeholder: 'KEY=VALUE',
    doc: 'one setting; repeatable, wins over files and the environment',
  },
  help: { type: 'boolean', doc: 'this text, or that of a command' },
  version: { type: 'boolean', doc: 'the version' },
} as const satisfies Readonly<Record<string, CommandOption>>

export interface CommandLine {
  readonly command: Command
  /** Whether the command was named, or is the default. */
  readonly named: boolean
  readonly help: boolean
  readonly version: boolean
  readonly files: readonly string[]
  readonly set: readonly (readonly [key: string, text: string])[]
  readonly options: OptionValues
  readonly positionals: readonly string[]
}

/**
 * Reads `[command] [options] [arguments]`; options may also stand before the command.
 *
 * @param commands the first is the default
 * @throws UsageError
 */
export function parseCommandLine(
  args: readonly string[],
  commands: readonly [Command, ...Command[]],
): CommandLine {
  const position = commandPosition(args)
  const name = position === undefined ? undefined : args[position]
  const command = name === undefined ? commands[0] : commands.find((candidate) => candidate.name === name)
  if (command === undefined) {
    const names = commands.map((candidate) => candidate.name)
    const meant = nearest(name ?? '', names) ?? ''
    // The name itself is not repeated: it may be a secret that went astray.
    throw new UsageError(
      `there is no command of that name; did you mean ${meant}? The commands are ${names.join(', ')}`,
    )
  }
  const rest = position === undefined ? args : args.toSpliced(position, 1)
  const { values, positionals } = strictly(rest, command)
  const { config, set, help, version, ...options } = values
  return {
    command,
    named: name !== undefined,
    help: help === true,
    version: version === true,
    files: textsOf(config),
    set: textsOf(set).map(pairOf),
    options,
    positionals,
  }
}

/** Where the command's name stands: the first argument that is neither an option nor the value of one. */
function commandPosition(args: readonly string[]): number | undefined {
  const { tokens } = parseArgs({
    args: [...args],
    options: forParseArgs(commonOptions),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const first = tokens.find((token) => token.kind !== 'option' || !(token.name in commonOptions))
  if (first?.kind === 'option') {
    const isCommandNamed = tokens.some((token) => token.kind === 'positional')
    if (isCommandNamed)
      throw new UsageError(`unknown option ${first.rawName}, or one that belongs behind its command`)
  }
  return first?.kind === 'positional' ? first.index : undefined
}

function strictly(
  args: readonly string[],
  command: Command,
): { values: OptionValues; positionals: string[] } {
  try {
    return parseArgs({
      args: [...args],
      options: forParseArgs({ ...command.options, ...commonOptions }),
      strict: true,
      allowPositionals: command.positionals !== undefined,
    })
  } catch (error) {
    throw new UsageError(hintOf(error, command))
  }
}

/** Node's messages name options but also quote arguments, which may be secrets that went astray. */
function hintOf(error: unknown, command: Command): string {
  const { code, message } = error as { readonly code?: string; readonly message: string }
  if (code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL') return `${command.name} takes no arguments`
  const firstSentence = message.split(/\.\s|\n/)[0] ?? message
  return firstSentence.charAt(0).toLowerCase() + firstSentence.slice(1)
}

function forParseArgs(
  options: Readonly<Record<string, CommandOption>>,
): NonNullable<ParseArgsConfig['options']> {
  return Object.fromEntries(
    Object.entries(options).map(([name, { type, multiple = false }]) => [name, { type, multiple }]),
  )
}

function textsOf(value: OptionValues[string]): string[] {
  return Array.isArray(value) ? value.map(String) : []
}

function pairOf(text: string): readonly [string, string] {
  const equals = text.indexOf('=')
  if (equals < 1) throw new UsageError('--set takes key=value, for example --set nlp.maxConcurrency=64')
  return [text.slice(0, equals), text.slice(equals + 1)]
}
