import { createRequire } from 'node:module'
import { isatty } from 'node:tty'
import type Pretty from 'pino-pretty'
import { LineWriter } from './line-writer.js'

/** Where lines go: each `write` is one whole line with its line end. */
export interface LogOutput {
  write(line: string): void
  /** Lines that could not be written: the reader went away, or did not keep up. */
  readonly lost: number
  /** Resolves once all lines are written, or after `timeoutMs`. Never rejects. */
  flush(timeoutMs: number): Promise<void>
}

/** Lines to stdout or stderr; see `LineWriter` for what becomes of them where nobody reads. */
export function standardOutput(name: 'stdout' | 'stderr'): LogOutput {
  return new LineWriter(fileDescriptor(name))
}

/**
 * For people who watch: time, level, event and message; the fields too where something is wrong or was asked for. In
 * colour where the output is a terminal.
 */
export function prettyLines(output: LogOutput, colorize: boolean): LogOutput {
  // Loaded only where it is asked for: it takes a twentieth of the start.
  const pretty = createRequire(import.meta.url)('pino-pretty') as typeof Pretty
  const options = {
    colorize,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'event',
    messageFormat: '{event}: {msg}',
    errorLikeObjectKeys: [],
  }
  const whole = pretty.prettyFactory(options)
  const brief = pretty.prettyFactory({ ...options, hideObject: true })
  return {
    write: (line) => {
      const entry = JSON.parse(line) as { level: string }
      output.write(entry.level === 'info' ? brief(entry) : whole(entry))
    },
    get lost() {
      return output.lost
    },
    flush: (timeoutMs) => output.flush(timeoutMs),
  }
}

export function isTerminal(name: 'stdout' | 'stderr'): boolean {
  return isatty(fileDescriptor(name))
}

function fileDescriptor(name: 'stdout' | 'stderr'): number {
  return name === 'stdout' ? 1 : 2
}
