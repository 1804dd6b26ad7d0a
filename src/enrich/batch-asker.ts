import type { Clock } from '../pipeline/clock.js'
import type { Asker, AskOptions } from './asker.js'
import type { CallResult, Done } from './call.js'
import type { NlpService } from './nlp-service.js'
import { Stop } from './stop.js'

export interface BatchAskerOptions {
  readonly service: NlpService
  /** Texts per request at most, 2 or more. */
  readonly batchSize: number
  /** How long the first text of a request waits for others, in ms. While no permit is free they go on gathering. */
  readonly batchWaitMs: number
  /** Ends the waiting of requests: the drain, the cut-off. */
  readonly signals: readonly AbortSignal[]
  readonly clock: Clock
}

interface Entry {
  readonly text: string
  readonly stop: Stop
  readonly done: Done
}

/**
 * Gathers texts into requests. A permit of the service is one request; records have places of their own.
 *
 * A request of several texts that fails through what may be a text's fault is split in two, and so on, until a text fails alone:
 * only then is anybody blamed. Each text's result is handed on as soon as its own request is done.
 */
export class BatchAsker implements Asker {
  readonly #options: BatchAskerOptions
  readonly #stop: Stop
  #gathered: Entry[] = []
  /** Requests that wait for a permit and will take what is gathered. */
  #pending = 0
  #timer: unknown

  constructor(options: BatchAskerOptions) {
    this.#options = options
    this.#stop = new Stop(options.signals)
  }

  ask(text: string, { alone, stop }: AskOptions, done: Done): void {
    const entry = { text, stop, done }
    if (alone) void this.#send([entry])
    else this.#gather(entry)
  }

  close(): void {
    this.#options.clock.clearTimeout(this.#timer)
    this.#stop.dispose()
  }

  #gather(entry: Entry): void {
    const { batchSize, batchWaitMs, clock } = this.#options
    this.#gathered.push(entry)
    const unclaimed = this.#gathered.length - this.#pending * batchSize
    if (unclaimed >= batchSize) this.#claim()
    else if (unclaimed > 0 && this.#timer === undefined) {
      this.#timer = clock.setTimeout(() => {
        this.#timer = undefined
        if (this.#gathered.length > this.#pending * batchSize) this.#claim()
      }, batchWaitMs)
    }
  }

  /** Sends one more request with what will be gathered by the time it has a permit. */
  #claim(): void {
    const { batchSize, clock, service } = this.#options
    clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#pending++
    service.permits.request(() => {
      this.#pending--
      this.#call(this.#gathered.splice(0, batchSize))
    })
  }

  async #send(entries: readonly Entry[]): Promise<void> {
    try {
      await this.#options.service.permits.acquire(this.#stopOf(entries).signal)
    } catch {
      for (const { done } of entries) done({ status: 'stopped' })
      return
    }
    this.#call(entries)
  }

  /** One text waits no longer than its record; several wait for the drain. */
  #stopOf([first, ...others]: readonly Entry[]): Stop {
    return first !== undefined && others.length === 0 ? first.stop : this.#stop
  }

  /** With a permit, which is given back. */
  #call(candidates: readonly Entry[]): void {
    const { service } = this.#options
    const entries = candidates.filter(({ stop, done }) => {
      if (stop.stopped) done({ status: 'stopped' })
      return !stop.stopped
    })
    if (entries.length === 0) {
      service.permits.release()
      return
    }
    const texts = entries.map(({ text }) => text)
    service.call(texts, this.#stopOf(entries), (result) => {
      this.#handOut(result, entries)
    })
  }

  #handOut(result: CallResult, entries: readonly Entry[]): void {
    if (result.status === 'ok') {
      entries.forEach(({ done }, index) => {
        const analysis = result.analyses[index]
        done({ ...result, analyses: analysis === undefined ? [] : [analysis] })
      })
    } else if (result.status === 'failed' && entries.length > 1 && mayBeATextsFault(result)) {
      const half = Math.ceil(entries.length / 2)
      void this.#send(entries.slice(0, half))
      void this.#send(entries.slice(half))
    } else {
      for (const { done } of entries) done(result)
    }
  }
}

function mayBeATextsFault({ error }: Extract<CallResult, { status: 'failed' }>): boolean {
  return error.kind === 'record' || error.kind === 'suspect'
}
