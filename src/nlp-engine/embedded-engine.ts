import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'
import { unlessAborted } from '../pipeline/unless-aborted.js'
import type { Analysis } from './analysis.js'
import { EngineError } from './engine-error.js'
import { createProgress, current, type Progress } from './progress.js'
import { TextQueue, type Job } from './text-queue.js'
import type { Task, WorkerSettings } from './worker.js'

export interface EmbeddedEngineOptions {
  /** Worker threads, 1 to 256. Default: one less than the cores, at least 1. */
  readonly workers?: number | undefined
  /** How long one text may take, 10 to 600,000 ms. Default 2000; an ordinary line takes 0.1 ms. */
  readonly timeLimitMs?: number | undefined
  /** Texts that may wait for a worker, 1 to 1,000,000; a call with more is taken while none wait. Default 1000. */
  readonly maxQueuedTexts?: number | undefined
  /** Looks for people, places and organisations too, at a tenth of the speed. Default false. */
  readonly people?: boolean | undefined
}

/** What the engine is doing now. */
export interface EngineStatus {
  readonly workers: number
  readonly busyWorkers: number
  readonly queuedTexts: number
}

/** The reference engine on worker threads, without HTTP. */
export interface EmbeddedEngine {
  /**
   * The analyses of `texts`, in their order. Rejects with an `EngineError` (its `code` says whose fault it is) for all of
   * them when one cannot be analysed, and with `signal.reason` on abort, which takes back texts that no worker has begun
   * with. Texts of several calls share workers and, while there is a backlog, messages to them.
   */
  analyse(texts: readonly string[], signal?: AbortSignal): Promise<readonly Analysis[]>
  /** Resolves once every worker has loaded its model; not needed, but it keeps the first texts from waiting for it. */
  warmUp(): Promise<void>
  status(): EngineStatus
  /** Finishes what was given, ends the workers, and refuses what comes later. The same promise for every caller. */
  close(): Promise<void>
}

export function createEmbeddedEngine(options: EmbeddedEngineOptions = {}): EmbeddedEngine {
  return new WorkerEngine({
    workers: checked('workers', options.workers ?? Math.max(1, availableParallelism() - 1), [1, 256]),
    timeLimitMs: checked('timeLimitMs', options.timeLimitMs ?? 2000, [10, 600_000]),
    maxQueuedTexts: checked('maxQueuedTexts', options.maxQueuedTexts ?? 1000, [1, 1_000_000]),
    people: options.people ?? false,
  })
}

function checked(name: string, value: number, [min, max]: readonly [number, number]): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new RangeError(`${name} must be an integer from ${min} to ${max}, not ${value}`)
}

interface Settings {
  readonly workers: number
  readonly timeLimitMs: number
  readonly maxQueuedTexts: number
  readonly people: boolean
}

/** Texts in one message to a worker: enough to make the hop between threads cheap, few enough that no text waits long behind others. */
const maxTextsPerTask = 32
/** Loading a worker's model takes half a second; a worker that has not begun after this long never will. */
const startLimitMs = 60_000
/** A second chance, alone on a fresh worker: a machine that stood still for a while is not the text's fault. */
const maxOffences = 2
const workerHeapMb = 512

/**
 * Every text is in one of three places: the queue, with a worker, or answered. A worker that is held up by one text is
 * ended and replaced; the other texts it was given go back to the queue without blame, the one at fault gets a second
 * chance alone and is then refused.
 */
class WorkerEngine implements EmbeddedEngine {
  readonly #options: Settings
  readonly #queue = new TextQueue()
  readonly #threads: Piscina<Task, Analysis[]>
  #busyWorkers = 0
  #closing: Promise<void> | undefined
  #idle: (() => void) | undefined

  constructor(options: Settings) {
    this.#options = options
    const workerData: WorkerSettings = { people: options.people }
    this.#threads = new Piscina<Task, Analysis[]>({
      // The same ending as this file: .js when compiled, .ts when a loader runs the sources.
      filename: fileURLToPath(new URL(`./worker${extname(import.meta.url)}`, import.meta.url)),
      name: 'analyse',
      minThreads: options.workers,
      maxThreads: options.workers,
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: workerHeapMb },
    })
    // A worker that dies while idle is replaced by Piscina; one that dies at work rejects its task.
    this.#threads.on('error', () => undefined)
  }

  async analyse(texts: readonly string[], signal?: AbortSignal): Promise<readonly Analysis[]> {
    signal?.throwIfAborted()
    if (this.#closing !== undefined) throw new EngineError('closed', 'The NLP engine is stopping')
    const { length: waiting } = this.#queue
    if (waiting > 0 && waiting + texts.length > this.#options.maxQueuedTexts) {
      throw new EngineError(
        'queue-full',
        `${waiting} texts wait already, ${this.#options.maxQueuedTexts} may`,
      )
    }
    const analyse = async () => {
      const analyses = texts.map((text, index) => this.#enqueue(text, index, signal))
      this.#dispatch()
      return await Promise.all(analyses)
    }
    return await (signal === undefined ? analyse() : unlessAborted(analyse, signal))
  }

  async warmUp(): Promise<void> {
    await Promise.all(Array.from({ length: this.#options.workers }, () => this.#run([''], createProgress())))
  }

  status(): EngineStatus {
    return { workers: this.#options.workers, busyWorkers: this.#busyWorkers, queuedTexts: this.#queue.length }
  }

  close(): Promise<void> {
    this.#closing ??= this.#finish()
    return this.#closing
  }

  async #finish(): Promise<void> {
    if (this.#busyWorkers > 0 || this.#queue.length > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve
      })
    }
    await this.#threads.destroy()
  }

  #enqueue(text: string, index: number, signal: AbortSignal | undefined): Promise<Analysis> {
    return new Promise<Analysis>((resolve, reject) => {
      this.#queue.push({ text, index, resolve, reject, signal, offences: 0 })
    })
  }

  #dispatch(): void {
    const { workers } = this.#options
    while (this.#busyWorkers < workers && this.#queue.length > 0) {
      const share = Math.ceil(this.#queue.length / workers)
      const jobs = this.#queue.take(Math.min(maxTextsPerTask, share))
      if (jobs.length > 0) void this.#work(jobs)
    }
    if (this.#busyWorkers === 0 && this.#queue.length === 0) this.#idle?.()
  }

  async #work(jobs: readonly Job[]): Promise<void> {
    this.#busyWorkers++
    const progress = createProgress()
    try {
      const analyses = await this.#run(
        jobs.map(({ text }) => text),
        progress,
      )
      jobs.forEach((job, i) => {
        job.resolve(analyses[i] as Analysis)
      })
    } catch (error) {
      this.#blame(jobs, progress, error)
    } finally {
      this.#busyWorkers--
      this.#dispatch()
    }
  }

  /** Runs the texts on a free worker, which is ended as soon as one of them takes too long. */
  async #run(texts: readonly string[], progress: Progress): Promise<Analysis[]> {
    const { timeLimitMs } = this.#options
    const overdue = new AbortController()
    const watch = (): void => {
      const now = current(progress)
      const leftMs = now === undefined ? startLimitMs : timeLimitMs - now.elapsedMs
      if (leftMs <= 0) overdue.abort()
      else timer = setTimeout(watch, leftMs)
    }
    let timer = setTimeout(watch, timeLimitMs)
    try {
      return await this.#threads.run({ texts, progress }, { signal: overdue.signal })
    } finally {
      clearTimeout(timer)
    }
  }

  #blame(jobs: readonly Job[], progress: Progress, cause: unknown): void {
    const culprit = jobs[current(progress)?.index ?? -1]
    if (culprit === undefined) {
      const error = new EngineError('failed', 'A worker of the NLP engine did not start', { cause })
      for (const job of jobs) job.reject(error)
      return
    }
    this.#queue.handBack(jobs.filter((job) => job !== culprit))
    culprit.offences++
    if (culprit.offences < maxOffences) {
      this.#queue.handBack([culprit])
      return
    }
    const message = `The text of ${culprit.text.length} characters took longer than ${this.#options.timeLimitMs} ms, or ended its worker, ${maxOffences} times`
    culprit.reject(new EngineError('text-too-slow', message, { cause, index: culprit.index }))
  }
}
