import { PassThrough, Readable } from 'node:stream'
import { commands } from '../../../src/commands/commands.js'
import { execute } from '../../../src/commands/execute.js'

export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** The lines of stdout. */
  readonly lines: readonly string[]
}

export interface RunOptions {
  /** After the settings. */
  readonly args?: readonly string[]
  readonly stdin?: string
  readonly shutdown?: AbortSignal
  readonly cutOff?: AbortSignal
}

const never = new AbortController().signal

/** Runs a command of the program inside this process, with settings by key. */
export async function runCommand(
  name: string,
  settings: Readonly<Record<string, string | number | boolean>>,
  { args = [], stdin = '', shutdown = never, cutOff = never }: RunOptions = {},
): Promise<Outcome> {
  const set = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`])
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const collected = [collect(stdout), collect(stderr)] as const
  const code = await execute({
    args: [name, ...set, ...args],
    commands,
    version: '0.0.0',
    environment: {},
    stdin: Readable.from(stdin === '' ? [] : [Buffer.from(stdin)]),
    stdout,
    stderr,
    shutdown,
    cutOff,
  })
  stdout.end()
  stderr.end()
  const [out, err] = await Promise.all(collected)
  return { code, stdout: out, stderr: err, lines: out.split('\n').filter((line) => line !== '') }
}

/** The lines of a report about `subject`, or all that say FAIL. */
export function linesOf(outcome: Outcome, subject: string): string[] {
  return outcome.lines.filter((line) => line.slice(6).startsWith(subject))
}

export function failures(outcome: Outcome): string[] {
  return outcome.lines.filter((line) => line.startsWith('FAIL'))
}

async function collect(stream: PassThrough): Promise<string> {
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) text += String(chunk)
  return text
}
