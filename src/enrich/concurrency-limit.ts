import { systemClock, type Clock } from '../pipeline/clock.js'

export interface ConcurrencyLimitOptions {
  /** The limit is never above; an integer of 1 or more. It begins here, so that a healthy service notices nothing. */
  readonly max: number
  readonly onChange: (limit: number) => void
  readonly clock?: Clock
}

/** A level that was refused is tried again after this many calls at most: one call in 160 is the price of asking. */
const maxPatience = 160
/** Successes at the limit that prove it. */
const enoughToGrow = 8
/** Where calls are few, time alone opens a refused level again. */
const forgetAfterMs = 30_000
/** The share that time-outs leave of the limit: CUBIC's beta. */
const beta = 0.7

/**
 * How many calls a service takes at once, found by asking. A call's *level* is the number of calls in flight when it began,
 * itself included.
 *
 * Growth and plateau follow TCP BIC and CUBIC (Xu, Harfoush, Rhee: "Binary Increase Congestion Control", INFOCOM 2004; RFC 9438):
 * fast towards the last level that was refused, a plateau below it, a rare step beyond, and from there exponentially
 * ("max probing"). The decrease is not TCP's: a 429 tells more than a lost packet, namely that the service takes fewer than
 * this call's level. So the limit falls to just below it, and with a service that takes K at once it is K, not beta × K.
 *
 * - growing: a few successes of calls that found the limit full raise it, by 1, then 2, 4, …
 * - plateau: the next level was refused not long ago. It is tried again after twice as many calls as it counts, then four
 *   times, … at most `maxPatience` calls, or `forgetAfterMs`.
 */
export class ConcurrencyLimit {
  readonly #max: number
  readonly #onChange: (limit: number) => void
  readonly #clock: Clock
  /** By level: how many calls to wait after a refusal before it is tried again; 0 for a level that is not known to be too high. */
  readonly #patience: Uint16Array
  /** By level: `#calls` when it was refused. */
  readonly #refusedAt: Float64Array
  #limit: number
  /** The limit at the last success: what an outage cannot take away. */
  #proven: number
  #step = 1
  /** Successes at the limit since it last moved. */
  #confirmed = 0
  #calls = 0
  #refusedAtMs = -Infinity
  #waitUntilMs = -Infinity
  #timeouts = 0
  #callsAtDecrease = 0

  constructor({ max, onChange, clock = systemClock }: ConcurrencyLimitOptions) {
    if (!Number.isInteger(max) || max < 1)
      throw new RangeError(`max must be an integer of 1 or more, not ${max}`)
    this.#max = max
    this.#onChange = onChange
    this.#clock = clock
    this.#limit = max
    this.#proven = max
    this.#patience = new Uint16Array(max + 1)
    this.#refusedAt = new Float64Array(max + 1)
  }

  get limit(): number {
    return this.#limit
  }

  /** A call of this level succeeded. */
  succeeded(level: number): void {
    this.#calls++
    this.#proven = this.#limit
    // Above the limit it proves nothing: it began before a refusal, and was taken in the place of the one that was refused.
    if (this.#limit === this.#max || level > this.#limit) return
    // Halved, not forgotten: it may have been let in by chance, as another ended in that moment.
    this.#patience[level] = (this.#patience[level] ?? 0) >> 1
    if (level === this.#limit && ++this.#confirmed >= Math.min(level, enoughToGrow)) this.#grow()
  }

  /** A call of this level was refused (429, 503). Until `retryAfterMs` is over, nothing beyond the limit is tried. */
  refused(level: number, retryAfterMs = 0): void {
    const now = this.#clock.now()
    this.#calls++
    this.#refusedAtMs = now
    this.#confirmed = 0
    this.#waitUntilMs = Math.max(this.#waitUntilMs, now + retryAfterMs)
    this.#close(level)
    if (level - 1 < this.#limit) this.#decrease(level - 1)
  }

  /** A call of this level timed out. One may be the text's fault; a tenth of all calls, and three at least, is the service's. */
  timedOut(level: number): void {
    this.#calls++
    // It began before the limit fell, which has answered it already.
    if (level > this.#limit) return
    this.#timeouts++
    const calls = this.#calls - this.#callsAtDecrease
    if (this.#timeouts >= 3 && this.#timeouts * 10 >= calls) {
      this.#close(this.#limit)
      this.#refusedAtMs = this.#clock.now()
      this.#decrease(Math.floor(this.#limit * beta))
    } else if (calls > 10 * this.#max) {
      this.#timeouts = 0
      this.#callsAtDecrease = this.#calls
    }
  }

  /** The service was down: what it refused meanwhile says nothing. Back to where calls last succeeded. */
  restore(): void {
    this.#patience.fill(0)
    this.#step = 1
    this.#set(this.#proven)
  }

  #grow(): void {
    const wanted = Math.min(this.#limit + this.#step, this.#max)
    let limit = this.#limit
    while (limit < wanted && this.#isOpen(limit + 1)) limit++
    if (limit === this.#limit) return
    this.#step *= 2
    this.#set(limit)
  }

  #isOpen(level: number): boolean {
    const patience = this.#patience[level] ?? 0
    if (patience === 0) return true
    const now = this.#clock.now()
    if (now < this.#waitUntilMs) return false
    const waited = this.#calls - (this.#refusedAt[level] ?? 0)
    return waited >= patience || now - this.#refusedAtMs >= forgetAfterMs
  }

  #close(level: number): void {
    const patience = Math.max(2 * level, 2 * (this.#patience[level] ?? 0))
    this.#patience[level] = Math.min(patience, maxPatience)
    this.#refusedAt[level] = this.#calls
  }

  #decrease(limit: number): void {
    this.#step = 1
    this.#timeouts = 0
    this.#callsAtDecrease = this.#calls
    this.#set(Math.max(1, limit))
  }

  #set(limit: number): void {
    if (limit === this.#limit) return
    this.#limit = limit
    this.#confirmed = 0
    this.#onChange(limit)
  }
}
