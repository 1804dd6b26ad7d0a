/**
 * Which offsets of one partition are in flight, which are settled, and how far a commit may go.
 *
 * Offsets are tracked in ascending order as the source hands them out; gaps (compacted, aborted, control records) are
 * normal and never stall it. `committable` is the first offset that a successor would still have to read: the first
 * unsettled one, or the fetch position where everything tracked is settled.
 *
 * Bounds: it holds one number and one bit of state for each offset between the first unsettled one and the last one
 * tracked (`span`); whoever tracks keeps the span bounded. `track` and `advance` are O(1), `settle` is O(log span).
 */
export class PartitionLedger {
  // A window [head, offsets.length) over two parallel arrays; what lies before head is settled and forgotten.
  #offsets: number[] = []
  #settled: boolean[] = []
  #head = 0
  #unsettled = 0
  #position: number | undefined

  /** Tracked offsets from the first unsettled one on, settled or not. */
  get span(): number {
    return this.#offsets.length - this.#head
  }

  /** Tracked offsets that are not settled. */
  get unsettled(): number {
    return this.#unsettled
  }

  /** Where reading goes on: one past everything tracked or skipped. Undefined until something was. */
  get position(): number | undefined {
    return this.#position
  }

  /** The offset to commit: everything below it is settled. Undefined until something was tracked or skipped. */
  get committable(): number | undefined {
    return this.#head < this.#offsets.length ? this.#offsets[this.#head] : this.#position
  }

  /**
   * An offset was handed out and is in flight.
   *
   * @throws RangeError if it is below `position`: an offset is handed out once.
   */
  track(offset: number): void {
    if (this.#position !== undefined && offset < this.#position) {
      throw new RangeError(`track: offset ${offset} lies before the position ${this.#position}`)
    }
    this.#offsets.push(offset)
    this.#settled.push(false)
    this.#unsettled++
    this.#position = offset + 1
  }

  /** Nothing more is to be read below `position`: the offsets up to it were tracked, or hold no record for us. */
  advance(position: number): void {
    if (this.#position === undefined || position > this.#position) this.#position = position
  }

  /**
   * An offset is settled.
   *
   * @throws RangeError if it is not in flight: unknown, or settled before. A record is settled exactly once.
   */
  settle(offset: number): void {
    const at = this.#find(offset)
    if (at === -1 || this.#settled[at] === true)
      throw new RangeError(`settle: offset ${offset} is not in flight`)
    this.#settled[at] = true
    this.#unsettled--
    while (this.#head < this.#offsets.length && this.#settled[this.#head] === true) this.#head++
    this.#forget()
  }

  /** The settled offsets beyond the committable one, as ranges [from, to), ascending. Gaps count as settled. */
  settledBeyond(): [from: number, to: number][] {
    const ranges: [number, number][] = []
    for (let at = this.#head; at < this.#offsets.length; at++) {
      if (this.#settled[at] !== true) continue
      const from = this.#offsets[at] ?? 0
      while (at < this.#offsets.length && this.#settled[at] === true) at++
      ranges.push([from, this.#offsets[at] ?? this.#position ?? from + 1])
    }
    return ranges
  }

  #find(offset: number): number {
    let low = this.#head
    let high = this.#offsets.length - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const found = this.#offsets[middle] ?? 0
      if (found === offset) return middle
      if (found < offset) low = middle + 1
      else high = middle - 1
    }
    return -1
  }

  // Amortised O(1): the arrays are cut only once the forgotten part is the larger one.
  #forget(): void {
    if (this.#head < 1024 || this.#head * 2 < this.#offsets.length) return
    this.#offsets = this.#offsets.slice(this.#head)
    this.#settled = this.#settled.slice(this.#head)
    this.#head = 0
  }
}
