/**
 * Spreads calls evenly: a virtual schedule with a slot every `1000 / maxPerSecond` ms (the generic cell rate algorithm, a leaky
 * bucket of one). What a late timer loses is not lost: the schedule goes on from its own slots.
 */
export class RateLimit {
  readonly #intervalMs: number
  #nextMs = -Infinity

  /** @throws RangeError unless `maxPerSecond` is above 0 */
  constructor(maxPerSecond: number) {
    if (!(maxPerSecond > 0)) throw new RangeError(`maxPerSecond must be above 0, not ${maxPerSecond}`)
    this.#intervalMs = 1000 / maxPerSecond
  }

  /** Takes the next slot. How long to wait for it, in ms. */
  reserve(nowMs: number): number {
    const slot = Math.max(this.#nextMs, nowMs)
    this.#nextMs = slot + this.#intervalMs
    return slot - nowMs
  }
}
