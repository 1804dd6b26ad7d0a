import { fileURLToPath } from 'node:url'
import { BenchProcess } from './bench-process.js'

const program = fileURLToPath(new URL('../programs/nlp-stub.mjs', import.meta.url))

/** What the stub is to do from now on; see the program. What is not given becomes what it is at the start. */
export interface NlpBehaviour {
  /** Default 0. */
  readonly latencyMs?: number
  /** Default 0. */
  readonly jitterShare?: number
  /** Default 0. */
  readonly slowShare?: number
  /** Default 50. */
  readonly slowTimes?: number
  /** Default 0: no bound. */
  readonly capacity?: number
  /** Default 429. */
  readonly rejectStatus?: 429 | 503
}

export interface NlpStats {
  readonly answered: number
  readonly texts: number
  readonly rejected: number
  readonly inFlight: number
  readonly maxInFlight: number
  /** Of the last answer, by the stub's own clock. */
  readonly lastMs: number
  /** In-flight calls × ms since the reset. */
  readonly busyMs: number
  /** The stub's clock. */
  readonly nowMs: number
  readonly p50Ms: number
  readonly p99Ms: number
}

const untouched = {
  latencyMs: 0,
  jitterShare: 0,
  slowShare: 0,
  slowTimes: 50,
  capacity: 0,
  rejectStatus: 429,
}

/** The NLP service of the benchmarks, in a process of its own. */
export class NlpStub {
  readonly url: string
  readonly #process: BenchProcess

  private constructor(process: BenchProcess, port: string) {
    this.#process = process
    this.url = `http://127.0.0.1:${port}/analyze`
  }

  static async start(): Promise<NlpStub> {
    const stub = new BenchProcess({ command: process.execPath, args: [program] })
    return new NlpStub(stub, await stub.firstLine())
  }

  /** Sets the behaviour, and the counters to zero. */
  async behave(behaviour: NlpBehaviour): Promise<void> {
    await this.#steer('PUT', '/behaviour', { ...untouched, ...behaviour })
    await this.reset()
  }

  async reset(): Promise<void> {
    await this.#steer('PUT', '/reset')
  }

  stats(): Promise<NlpStats> {
    return this.#steer('GET', '/stats')
  }

  cpuMs(): number {
    return this.#process.cpuMs()
  }

  async stop(): Promise<void> {
    await this.#process.stop()
  }

  async #steer(method: string, path: string, body?: object): Promise<NlpStats> {
    const answer = await fetch(new URL(path, this.url), {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    return (await answer.json()) as NlpStats
  }
}
