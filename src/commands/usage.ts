import type { Command, CommandOption } from './command.js'
import { commonOptions } from './command-line.js'

const exitCodesText = `Exit codes: 0 done (run: drained), 1 could not go on, 2 wrong usage, 75 the drain was cut off, 78 the configuration is invalid.`

/** The help of the program. */
export function programUsage(commands: readonly Command[]): string {
  const rows = commands.map(({ name, summary }): Row => [name, summary])
  return [
    'Usage: enrichd [command] [options]',
    '',
    'Reads log records from Kafka, has each analysed by an NLP service, writes the documents to Elasticsearch.',
    '',
    'Commands:',
    ...table(rows),
    '',
    'Options:',
    ...table(optionRows(commonOptions)),
    '',
    'Settings: enrichd config --docs. Every setting has a variable, such as ENRICHD_NLP_URL for nlp.url.',
    exitCodesText,
    '',
  ].join('\n')
}

/** The help of one command. */
export function commandUsage(command: Command): string {
  const { name, summary, positionals, options = {} } = command
  return [
    `Usage: enrichd ${name} [options]${positionals === undefined ? '' : ` ${positionals}`}`,
    '',
    `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`,
    '',
    'Options:',
    ...table(optionRows({ ...options, ...commonOptions })),
    '',
  ].join('\n')
}

type Row = readonly [left: string, right: string]

function optionRows(options: Readonly<Record<string, CommandOption>>): Row[] {
  return Object.entries(options).map(([name, { placeholder, type, doc }]) => {
    const value = type === 'string' ? ` ${placeholder ?? 'VALUE'}` : ''
    return [`--${name}${value}`, doc]
  })
}

function table(rows: readonly Row[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}
