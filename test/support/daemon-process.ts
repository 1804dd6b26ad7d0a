import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** The built program; `DAEMON_PROGRAM` names another build. */
const program = process.env['DAEMON_PROGRAM'] ?? fileURLToPath(new URL('../../dist/main.js', import.meta.url))

export interface DaemonOptions {
  /** Settings by key, as `--set` takes them. */
  readonly settings: Readonly<Record<string, string | number | boolean>>
  readonly env?: Readonly<Record<string, string>>
  /** The address of a module that is loaded before the program, which then runs from its sources. */
  readonly preload?: string
}

export interface LogLine {
  readonly level: string | number
  readonly event?: string
  readonly msg?: string
  readonly [field: string]: unknown
}

export interface DaemonExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** From the signal to the exit. */
  readonly afterMs: number
}

/** The built daemon as a process of its own, with its log lines as they come. */
export class DaemonProcess {
  readonly #child: ChildProcess
  readonly lines: LogLine[] = []
  /** What was not JSON: a crash, a usage message. */
  readonly other: string[] = []
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  #changed: (() => void)[] = []

  constructor({ settings, env = {}, preload }: DaemonOptions) {
    const set = Object.entries({ 'admin.port': 0, ...settings }).flatMap(([key, value]) => [
      '--set',
      `${key}=${value}`,
    ])
    this.#child = spawn(
      process.execPath,
      [
        ...(process.env['DAEMON_NODE_OPTIONS']?.split(' ') ?? []),
        ...programArguments(preload),
        'run',
        ...set,
      ],
      {
        env: { PATH: process.env['PATH'] ?? '', ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    this.exited = once(this.#child, 'exit').then(([code, signal]) => {
      this.#wake()
      return { code: code as number | null, signal: signal as NodeJS.Signals | null }
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream !== null)
        createInterface({ input: stream }).on('line', (line) => {
          this.#take(line)
        })
    }
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the daemon did not start')
    return this.#child.pid
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Resolves with the first line, from `after` on, for which `test` holds. */
  async logged(test: string | ((line: LogLine) => boolean), timeoutMs = 30_000): Promise<LogLine> {
    const matches = typeof test === 'string' ? (line: LogLine) => line.event === test : test
    const deadline = performance.now() + timeoutMs
    for (;;) {
      const found = this.lines.find(matches)
      if (found !== undefined) return found
      if (!this.running || performance.now() > deadline) {
        throw new Error(`the daemon never logged ${String(test)}; its last lines:\n${this.tail()}`)
      }
      await this.#next(deadline)
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Sends the signal and waits for the end. @throws Error if it is still running after `timeoutMs` */
  async stop(signal: NodeJS.Signals = 'SIGTERM', timeoutMs = 40_000): Promise<DaemonExit> {
    const start = performance.now()
    this.kill(signal)
    return { ...(await this.ended(timeoutMs)), afterMs: performance.now() - start }
  }

  async ended(timeoutMs = 40_000): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`the daemon did not end within ${timeoutMs} ms:\n${this.tail()}`))
      }, timeoutMs)
    })
    return Promise.race([this.exited, late]).finally(() => {
      clearTimeout(timer)
    })
  }

  tail(count = 20): string {
    return [
      ...this.lines.slice(-count).map((line) => JSON.stringify(line)),
      ...this.other.slice(-count),
    ].join('\n')
  }

  #take(line: string): void {
    try {
      this.lines.push(JSON.parse(line) as LogLine)
    } catch {
      this.other.push(line)
    }
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#changed.splice(0)) wake()
  }

  #next(deadline: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(1, deadline - performance.now()))
      this.#changed.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }
}

function programArguments(preload: string | undefined): string[] {
  if (preload === undefined) return [program]
  return [
    '--import',
    'tsx',
    '--import',
    preload,
    fileURLToPath(new URL('../../src/main.ts', import.meta.url)),
  ]
}
