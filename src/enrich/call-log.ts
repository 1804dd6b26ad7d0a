import type { Call } from './call.js'
import { SlotTable } from './slot-table.js'

/** What a failed call says of its text, given what happened since it began. */
export type Verdict = 'counts' | 'undecided' | 'outage'

/**
 * Which calls are in flight, and what happened in which order: began, succeeded, tripped. On this order rests who is to blame
 * for a failure; a clock is too coarse for it.
 */
export class CallLog {
  readonly #inFlight = new SlotTable<Call>()
  #now = 0
  #lastSuccess = 0
  #lastTrip = 0
  #failures = 0

  get inFlight(): number {
    return this.#inFlight.size
  }

  /** Failed calls since the last one that succeeded. */
  get failures(): number {
    return this.#failures
  }

  began(call: Call): void {
    call.beganAt = ++this.#now
    call.level = this.#inFlight.size + 1
    call.slot = this.#inFlight.add(call)
  }

  succeeded(call: Call): void {
    this.#inFlight.remove(call.slot)
    this.#lastSuccess = ++this.#now
    this.#failures = 0
  }

  failed(call: Call): void {
    this.#inFlight.remove(call.slot)
    if (call.cutOff === undefined) this.#failures++
  }

  /** The line waits from now on. */
  tripped(): void {
    this.#lastTrip = ++this.#now
  }

  /**
   * Whether a failure that may be the text's own fault counts against it: only if another call has succeeded since it began,
   * and never if the line had to wait meanwhile.
   */
  verdict(beganAt: number): Verdict {
    if (this.#lastTrip > beganAt) return 'outage'
    return this.#lastSuccess > beganAt ? 'counts' : 'undecided'
  }

  /** Whether a call that began before `call` is still in flight: it may yet succeed. */
  olderInFlight(call: Call): boolean {
    return this.#inFlight.values().some(({ beganAt }) => beganAt < call.beganAt)
  }

  /** The oldest call in flight that began since the last success, so nothing speaks for the service since. */
  oldestUndecided(): Call | undefined {
    return this.calls().find(({ beganAt }) => beganAt > this.#lastSuccess)
  }

  /** Calls that began before the line last tripped and are older than `startedBeforeMs`, oldest first. */
  hung(startedBeforeMs: number): Call[] {
    return this.calls().filter((call) => call.beganAt < this.#lastTrip && call.startedMs <= startedBeforeMs)
  }

  /** All that are in flight, oldest first. */
  calls(): Call[] {
    return this.#inFlight.values().sort((a, b) => a.beganAt - b.beganAt)
  }
}
