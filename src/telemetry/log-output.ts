import { isatty } from 'node:tty'
import { pino } from 'pino'
import pretty from 'pino-pretty'

/** Where lines go: each `write` is one whole line with its line end. */
export interface LogOutput {
  write(line: string): void
  /** Lines that could not be written: the reader went away, or did not keep up. */
  readonly lost: number
  /** Resolves once all lines are written, or after `timeoutMs`. Never rejects. */
  flush(timeoutMs: number): Promise<void>
}

/** Lines held for a reader that does not keep up; what comes beyond is lost and counted. */
const MAX_HELD_BYTES = 4 * 1_048_576

/**
 * Lines to stdout or stderr, written asynchronously: a reader that stands still holds up nobody, and one that goes away
 * ends nothing.
 */
export function standardOutput(name: 'stdout' | 'stderr'): LogOutput {
  const stream = pino.destination({ dest: fileDescriptor(name), sync: false, maxLength: MAX_HELD_BYTES })
  let lost = 0
  stream.on('drop', () => {
    lost++
  })
  stream.on('error', () => {
    lost++
  })
  return {
    write: (line) => {
      stream.write(line)
    },
    get lost() {
      return lost
    },
    flush: (timeoutMs) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, timeoutMs)
        stream.flush(() => {
          clearTimeout(timer)
          resolve()
        })
      }),
  }
}

/**
 * For people who watch: time, level, event and message; the fields too where something is wrong or was asked for. In
 * colour where the output is a terminal.
 */
export function prettyLines(output: LogOutput, colorize: boolean): LogOutput {
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
