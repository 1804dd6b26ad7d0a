import { EnrichdError } from '../errors.js'
import type { Clock } from '../pipeline/clock.js'
import type { BulkEndpoint, BulkItem } from './bulk-request.js'

export interface BulkWatchOptions {
  readonly endpoint: Pick<BulkEndpoint, 'ping' | 'rewrite'>
  /** A document that was indexed before, or is being sent: writing it once more changes nothing. Undefined while there is none. */
  readonly witness: () => BulkItem | undefined
  /** A request older than this is looked after, this often. */
  readonly intervalMs: number
  readonly clock: Clock
}

/** A request that can be given up. */
export interface Watched {
  readonly startedAtMs: number
  readonly abort: AbortController
}

/** What a request is given up with: it may be sent again at once. */
export class ConnectionLost extends EnrichdError {}

/**
 * Finds requests that will never be answered because a fault swallowed them, so that the line need not sit out their
 * time-outs after it is over: while a request is overdue, Elasticsearch is pinged and a document that it has already is
 * written once more. A check that has no answer, and a later one that has, mean that there was such a fault and that it is
 * over; requests begun before the failing check that are still not answered one grace period later are given up. An
 * Elasticsearch that is merely slow goes on answering these, and keeps its requests.
 */
export class BulkWatch {
  readonly #options: BulkWatchOptions
  readonly #requests = new Set<Watched>()
  readonly #closing = new AbortController()
  #timer: unknown
  #failedAtMs: number | undefined

  constructor(options: BulkWatchOptions) {
    this.#options = options
  }

  began(request: Watched): void {
    this.#requests.add(request)
    if (this.#timer === undefined) this.#arm(this.#options.intervalMs)
  }

  ended(request: Watched): void {
    this.#requests.delete(request)
  }

  /** Idempotent. Resolves nothing: a ping under way is cancelled. */
  close(): void {
    this.#closing.abort()
    this.#options.clock.clearTimeout(this.#timer)
  }

  #arm(delayMs: number): void {
    if (this.#closing.signal.aborted) return
    this.#timer = this.#options.clock.setTimeout(() => void this.#look(), delayMs)
  }

  async #look(): Promise<void> {
    const { clock, intervalMs } = this.#options
    if (this.#requests.size === 0) {
      this.#timer = undefined
      this.#failedAtMs = undefined
      return
    }
    const now = clock.now()
    const overdue = [...this.#requests].some((request) => now - request.startedAtMs >= intervalMs)
    if (!overdue) {
      this.#failedAtMs = undefined
      this.#arm(intervalMs)
      return
    }
    const answered = await this.#check()
    if (!answered) this.#failedAtMs = now
    if (answered && this.#failedAtMs !== undefined) this.#giveUp(this.#failedAtMs)
    // A check that waited for its time-out has waited long enough.
    else this.#arm(answered ? intervalMs : Math.max(intervalMs / 4, intervalMs - (clock.now() - now)))
  }

  /** Whether Elasticsearch answers, be it with an error, within `intervalMs` for each of the two. */
  async #check(): Promise<boolean> {
    const { endpoint, intervalMs, witness } = this.#options
    try {
      await endpoint.ping(intervalMs, this.#closing.signal)
      const document = witness()
      if (document !== undefined) await endpoint.rewrite(document, intervalMs, this.#closing.signal)
      return true
    } catch {
      return false
    }
  }

  #giveUp(beganBeforeMs: number): void {
    const { clock, intervalMs } = this.#options
    this.#failedAtMs = undefined
    const lost = [...this.#requests].filter((request) => request.startedAtMs <= beganBeforeMs)
    this.#timer = clock.setTimeout(() => {
      const message = 'not answered while Elasticsearch answered nothing'
      for (const request of lost) {
        if (this.#requests.has(request)) {
          request.abort.abort(new ConnectionLost('INDEX_TIMEOUT', message, { kind: 'outage' }))
        }
      }
      this.#arm(intervalMs)
    }, intervalMs / 4)
  }
}
