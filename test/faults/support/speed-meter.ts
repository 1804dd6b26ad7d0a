import { setTimeout as pause } from 'node:timers/promises'

const sampleMs = 100
const windowMs = 1000
const stepMs = 50

interface Sample {
  readonly atMs: number
  readonly count: number
}

/** How fast something grows, from samples taken every 50 ms. Times are those of `performance.now()`. */
export class SpeedMeter {
  readonly #count: () => number | Promise<number>
  readonly #samples: Sample[] = []
  #running = true
  readonly #sampler: Promise<void>

  /** @param count what grows; a rejection leaves out a sample */
  constructor(count: () => number | Promise<number>) {
    this.#count = count
    this.#sampler = this.#sample()
  }

  async #sample(): Promise<void> {
    while (this.#running) {
      try {
        const count = await this.#count()
        this.#samples.push({ atMs: performance.now(), count })
      } catch {
        // Nobody answers between two lives of the daemon.
      }
      await pause(sampleMs)
    }
  }

  /** Per second, between two moments. */
  rate(fromMs: number, toMs: number): number {
    return (this.#countAt(toMs) - this.#countAt(fromMs)) / ((toMs - fromMs) / 1000)
  }

  #countAt(atMs: number): number {
    const next = this.#samples.findIndex((sample) => sample.atMs >= atMs)
    const later = this.#samples[next]
    const earlier = this.#samples[next - 1]
    if (later === undefined) return this.#samples.at(-1)?.count ?? 0
    if (earlier === undefined) return later.count
    const share = (atMs - earlier.atMs) / (later.atMs - earlier.atMs)
    return earlier.count + share * (later.count - earlier.count)
  }

  /** The rate over the next `forMs`. */
  async measure(forMs: number): Promise<number> {
    const from = performance.now()
    await pause(forMs + sampleMs)
    return this.rate(from, from + forMs)
  }

  /**
   * How long after `sinceMs` the rate was at least `rate` for two seconds on end, each second by itself; undefined where
   * that does not happen within `timeoutMs`.
   */
  async resumed(sinceMs: number, rate: number, timeoutMs: number): Promise<number | undefined> {
    for (let at = sinceMs; at < sinceMs + timeoutMs; at += stepMs) {
      while (performance.now() < at + 2 * windowMs + 2 * sampleMs) await pause(sampleMs)
      const first = this.rate(at, at + windowMs)
      const second = this.rate(at + windowMs, at + 2 * windowMs)
      if (first >= rate && second >= rate) return at - sinceMs
    }
    return undefined
  }

  async stop(): Promise<void> {
    this.#running = false
    await this.#sampler
  }
}
