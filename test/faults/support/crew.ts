import type { DaemonProcess } from '../../support/daemon-process.js'
import type { Lab } from './lab.js'
import type { Outage } from './outages.js'

const exitCutOff = 75
/** The default of `pipeline.gracefulTimeoutMs`. */
const gracefulTimeoutMs = 30_000

/** One daemon that is always there, as a container would see to it, and at times another one beside it. */
export class Crew {
  readonly #lab: Lab
  #main: DaemonProcess
  #second: DaemonProcess | undefined
  /** Those that were asked to end. */
  readonly #asked = new Set<DaemonProcess>()
  /** Those that were stopped for a while: one whose membership is gone may end. */
  readonly #stopped = new Set<DaemonProcess>()
  #over = false
  /** What must not happen, in words. */
  readonly objections: string[] = []
  restarts = 0
  /** Drains that their deadline cut off: the servers were away for too long. */
  cutOffs = 0

  constructor(lab: Lab) {
    this.#lab = lab
    this.#main = this.#start()
  }

  get main(): DaemonProcess {
    return this.#main
  }

  #start(): DaemonProcess {
    const daemon = this.#lab.start()
    void daemon.exited.then(({ code, signal }) => {
      this.#ended(daemon, { code, signal })
    })
    return daemon
  }

  #ended(daemon: DaemonProcess, how: { code: number | null; signal: string | null }): void {
    if (signalled(how) || this.#over) return
    if (!this.#asked.has(daemon) && !this.#stopped.has(daemon))
      this.objections.push(`a daemon ended by itself with ${how.code}: ${daemon.tail(5)}`)
    if (this.#asked.has(daemon) && how.code === exitCutOff && drainedMs(daemon) >= gracefulTimeoutMs)
      this.cutOffs++
    else if (this.#asked.has(daemon) && how.code !== 0)
      this.objections.push(`a daemon that was asked to end did so with ${how.code}: ${daemon.tail(5)}`)
    if (daemon === this.#main && !this.#asked.has(daemon)) this.restart()
  }

  restart(): void {
    this.restarts++
    this.#main = this.#start()
  }

  /** The faults that strike a daemon, or the group. */
  get faults(): readonly Outage[] {
    return [
      {
        name: 'SIGKILL',
        begin: () => this.kill(),
        end: () => {
          this.restart()
        },
      },
      {
        name: 'SIGTERM',
        begin: () => {
          this.#ask(this.#main)
        },
        end: () => {
          this.restart()
        },
      },
      {
        name: 'SIGSTOP',
        begin: () => {
          this.#stopped.add(this.#main)
          this.#main.kill('SIGSTOP')
        },
        end: () => {
          this.#main.kill('SIGCONT')
        },
      },
      {
        name: 'another member',
        begin: () => {
          this.#second = this.#start()
        },
        end: () => {
          if (this.#second !== undefined) this.#ask(this.#second)
        },
      },
    ]
  }

  async kill(): Promise<void> {
    this.#asked.add(this.#main)
    this.#main.kill('SIGKILL')
    await this.#main.exited
  }

  #ask(daemon: DaemonProcess): void {
    this.#asked.add(daemon)
    daemon.kill('SIGTERM')
  }

  /** Ends everybody, and waits for it. */
  async end(): Promise<void> {
    const others = this.#lab.daemons.filter((daemon) => daemon.running && daemon !== this.#main)
    await Promise.all(others.map((daemon) => daemon.ended()))
    this.#ask(this.#main)
    await this.#main.ended()
    this.#over = true
  }
}

function signalled({ signal }: { readonly signal: string | null }): boolean {
  return signal !== null
}

function drainedMs(daemon: DaemonProcess): number {
  return Number(daemon.lines.find(({ event }) => event === 'daemon.stopped')?.['durationMs'] ?? 0)
}
