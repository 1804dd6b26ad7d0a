import { pino, type Logger as PinoLogger } from 'pino'
import type { SourceRecord } from '../delivery/delivery.js'
import { eventNamed, type LogLevel } from './events.js'
import { hideRecordText } from './hide-record-text.js'
import { isTerminal, prettyLines, standardOutput, type LogOutput } from './log-output.js'
import { maskSecrets } from './mask-secrets.js'
import { plainFields, type Plain } from './plain-fields.js'

export interface LoggerOptions {
  /** Lines below it are not made. Default `info`. */
  readonly level?: LogLevel
  /** `json`: one object a line. `pretty`: for people. Default `json`. */
  readonly format?: 'json' | 'pretty'
  /** `stderr` where stdout carries documents. Default `stdout`. */
  readonly output?: 'stdout' | 'stderr' | LogOutput
  /** Values that no line may contain; each becomes `[secret]`. */
  readonly secrets?: readonly string[]
  /** The same for names of users, where they stand alone. */
  readonly userNames?: readonly string[]
}

export interface LogLine {
  /** `component.event`, a name of `events.ts`. */
  readonly event: string
  /** Default: the event's own. */
  readonly level?: LogLevel
  readonly message: string
  /** Why: its message ends the line's, its story is the field `error`. */
  readonly error?: Error | undefined
  readonly fields?: Readonly<Record<string, unknown>>
  /** The record that it is about: nothing that its values say gets into the line. */
  readonly record?: SourceRecord | undefined
}

const reserved = new Set(['level', 'time', 'event', 'msg'])

/**
 * Writes log lines: `level`, `time`, `event`, `msg`, then the event's fields. Every line is bounded in size, carries no
 * secret, and is written without waiting; nothing here throws.
 */
export class Logger {
  readonly #pino: PinoLogger
  readonly #output: LogOutput
  readonly #mask: (text: string) => string

  constructor(options: LoggerOptions = {}) {
    this.#output = outputOf(options)
    this.#mask = maskSecrets(options.secrets ?? [], options.userNames)
    this.#pino = pino(
      {
        level: options.level ?? 'info',
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (level) => ({ level }) },
      },
      this.#output,
    )
  }

  /** Lines that nobody could read: see `LogOutput.lost`. */
  get linesLost(): number {
    return this.#output.lost
  }

  /** Whether a line of this level would be written. */
  writes(level: LogLevel): boolean {
    return this.#pino.isLevelEnabled(level)
  }

  /** A text as a line would show it: without secrets, and without what errors quote of records. */
  safe(text: string): string {
    return this.#mask(hideRecordText()(text))
  }

  write(line: LogLine): void {
    const level = line.level ?? eventNamed(line.event)?.level ?? 'info'
    if (!this.writes(level)) return
    this.#pino[level](this.#plain(line))
  }

  /** Resolves once all lines are out, or after `timeoutMs`. Call it before the process ends. */
  async flush(timeoutMs = 1000): Promise<void> {
    await this.#output.flush(timeoutMs)
  }

  #plain({ event, message, error, fields, record }: LogLine): Record<string, Plain> {
    const rules = { mask: this.#mask, hide: hideRecordText(record) }
    const unquoted = hideRecordText()(message)
    const msg = error === undefined ? unquoted : `${unquoted}: ${rules.hide(error.message)}`
    const plain: Record<string, Plain> = { event, ...plainFields({ msg }, rules) }
    for (const [key, value] of Object.entries(
      plainFields(error === undefined ? (fields ?? {}) : { ...fields, error }, rules),
    )) {
      plain[reserved.has(key) ? `${key}_` : key] = value
    }
    return plain
  }
}

function outputOf({ output = 'stdout', format = 'json' }: LoggerOptions): LogOutput {
  const lines = typeof output === 'string' ? standardOutput(output) : output
  if (format === 'json') return lines
  return prettyLines(lines, typeof output === 'string' && isTerminal(output))
}
