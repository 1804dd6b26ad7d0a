import type { Analysis } from './analysis.js'

/** One text that waits for its analysis. */
export interface Job {
  readonly text: string
  /** Its place among the texts that were given together. */
  readonly index: number
  readonly resolve: (analysis: Analysis) => void
  readonly reject: (error: Error) => void
  readonly signal: AbortSignal | undefined
  /** How often it held up or killed its worker. */
  offences: number
}

/** The texts no worker has begun with: first in, first out, but those that were taken and handed back come first. */
export class TextQueue {
  readonly #handedBack: Job[] = []
  #waiting: Job[] = []
  #head = 0

  get length(): number {
    return this.#handedBack.length + this.#waiting.length - this.#head
  }

  push(job: Job): void {
    this.#waiting.push(job)
  }

  handBack(jobs: readonly Job[]): void {
    this.#handedBack.push(...jobs)
  }

  /** Up to `count` jobs for one worker; a job with an offence comes alone, so that it can harm nobody but itself. Aborted ones are left out. */
  take(count: number): Job[] {
    const taken: Job[] = []
    while (taken.length < count && this.length > 0) {
      const next = this.#peek()
      if (next.offences > 0 && taken.length > 0) break
      this.#drop()
      if (next.signal?.aborted === true) continue
      taken.push(next)
      if (next.offences > 0) break
    }
    return taken
  }

  #peek(): Job {
    return (this.#handedBack[0] ?? this.#waiting[this.#head]) as Job
  }

  #drop(): void {
    if (this.#handedBack.shift() !== undefined) return
    this.#head++
    // The array is cut now and then instead of at every step, which would copy it each time.
    if (this.#head > 1024 && this.#head * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head)
      this.#head = 0
    }
  }
}
