import { Fifo } from './fifo.js'

/** Kept from the coming of an item until its result is handed on. */
interface Place<Result> {
  result: { readonly value: Result } | undefined
}

/**
 * Hands results on in the order in which their places were taken, lane by lane; lanes do not wait for one another. Its user
 * bounds the places.
 */
export class Lanes<Result> {
  readonly #lanes = new Map<string | number, Fifo<Place<Result>>>()
  readonly #handOn: (result: Result) => void

  constructor(handOn: (result: Result) => void) {
    this.#handOn = handOn
  }

  /** Takes the next place of a lane. The result is given to what this returns. */
  take(key: string | number): (result: Result) => void {
    const lane = this.#lanes.get(key) ?? this.#open(key)
    const place: Place<Result> = { result: undefined }
    lane.push(place)
    return (value) => {
      place.result = { value }
      this.#flush(lane)
      if (lane.length === 0) this.#lanes.delete(key)
    }
  }

  #open(key: string | number): Fifo<Place<Result>> {
    const lane = new Fifo<Place<Result>>()
    this.#lanes.set(key, lane)
    return lane
  }

  #flush(lane: Fifo<Place<Result>>): void {
    for (let first = lane.peek(); first?.result !== undefined; first = lane.peek()) {
      lane.shift()
      this.#handOn(first.result.value)
    }
  }
}
