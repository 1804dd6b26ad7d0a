/** How many bulk requests are under way, as whoever gathers documents for the next one hears it from whoever sends them. */
export class BulkTraffic {
  #underWay = 0
  #onQuiet: (() => void) | undefined

  /** Nothing is under way. */
  get quiet(): boolean {
    return this.#underWay === 0
  }

  /** The sender's: so many are, now. */
  changed(underWay: number): void {
    const fellQuiet = underWay === 0 && this.#underWay > 0
    this.#underWay = underWay
    if (fellQuiet) this.#onQuiet?.()
  }

  /** The gatherer's, of which there is one: called whenever the last request has ended; undefined ends that. */
  listen(onQuiet: (() => void) | undefined): void {
    this.#onQuiet = onQuiet
  }
}
