import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { memoryMiB } from '../../support/process-memory.js'

/** Of `/proc/PID/stat`; 100 on every Linux that Node runs on. */
const ticksPerSecond = 100

export interface BenchProcessOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Takes what it prints. Without it, standard output is for {@link BenchProcess.firstLine}. */
  readonly logFile?: string
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
// A signal would end the runner without that event.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1))

/** A process under measurement, or one that helps to measure. It ends with the runner at the latest. */
export class BenchProcess {
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  readonly startedMs = performance.now()
  readonly pid: number

  constructor({ command, args, env = {}, cwd, logFile }: BenchProcessOptions) {
    const log = logFile === undefined ? undefined : openSync(logFile, 'w')
    this.#child = spawn(command, args, {
      env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
      stdio: ['pipe', log ?? 'pipe', log ?? 'inherit'],
      ...(cwd !== undefined && { cwd }),
    })
    const { pid } = this.#child
    if (pid === undefined) throw new Error(`${command} did not start`)
    this.pid = pid
    running.add(this.#child)
    this.#exited = once(this.#child, 'exit').then(() => running.delete(this.#child))
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  async firstLine(): Promise<string> {
    if (this.#child.stdout === null) throw new Error('its output goes to a file')
    const [line] = (await once(createInterface({ input: this.#child.stdout }), 'line')) as [string]
    return line
  }

  /** CPU time so far, in ms: user and system, of all threads, and of children that it has waited for. */
  cpuMs(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
    return (ticks * 1000) / ticksPerSecond
  }

  /** The most memory that it has had resident, in MiB. */
  peakMiB(): number {
    return memoryMiB(this.pid, 'VmHWM')
  }

  residentMiB(): number {
    return memoryMiB(this.pid, 'VmRSS')
  }

  /** Ends it: by SIGTERM and the end of its standard input, by SIGKILL after `graceMs`. Returns its exit code. */
  async stop(graceMs = 20_000): Promise<number | null> {
    this.#child.stdin?.end()
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), graceMs)
    await this.#exited
    clearTimeout(timer)
    return this.#child.exitCode
  }
}
