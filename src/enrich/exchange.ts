import type { Dispatcher } from 'undici'
import type { Cancellable, Canceller } from './analyser.js'
import { badAnswer } from './check-analysis.js'
import { classifyNlpError } from './classify-nlp-error.js'
import type { NlpAnswer } from './nlp-protocol.js'

type Headers = NlpAnswer['headers']

/** Whoever an exchange is made for. One object for all of them: nothing is made per call that need not be. */
export interface ExchangeHost {
  /** An answer that grows beyond is cut off. */
  readonly maxAnswerBytes: number
  /** The exchange is over; `clean` if its connection can serve again. */
  settled(exchange: Exchange, clean: boolean): void
}

/**
 * One request and its answer, as undici's `dispatch` tells of it (`request` costs a quarter more).
 *
 * under way → settled: by the answer's end, by an error, or by `cancel`. What comes later is not looked at.
 */
export class Exchange implements Dispatcher.DispatchHandler, Canceller {
  readonly answer: Promise<NlpAnswer>
  readonly call: Cancellable
  readonly connection: Dispatcher
  /** Its host's: the time limit, and its place among those under way. */
  timer: unknown
  slot = -1
  readonly #host: ExchangeHost
  #resolve!: (answer: NlpAnswer) => void
  #reject!: (error: Error) => void
  #controller: Dispatcher.DispatchController | undefined
  #failure: Error | undefined
  #settled = false
  #status = 0
  #headers: Headers = {}
  #first: Buffer | undefined
  #rest: Buffer[] | undefined
  #bytes = 0

  constructor(host: ExchangeHost, call: Cancellable, connection: Dispatcher) {
    this.#host = host
    this.call = call
    this.connection = connection
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** Ends it now; `answer` rejects with `reason`. */
  cancel(reason: Error): void {
    if (this.#settled) return
    this.#failure = reason
    this.#settle(false)
    this.#reject(reason)
    this.#controller?.abort(reason)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    // It was cut off while it waited for its connection.
    if (this.#failure !== undefined) controller.abort(this.#failure)
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    this.#status = status
    this.#headers = headers
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes > this.#host.maxAnswerBytes) {
      this.cancel(badAnswer(`it is longer than ${this.#host.maxAnswerBytes} bytes`))
    } else if (this.#first === undefined) {
      this.#first = chunk
    } else {
      this.#rest ??= []
      this.#rest.push(chunk)
    }
  }

  onResponseEnd(): void {
    if (this.#settled) return
    const body = this.#body()
    this.#settle(true)
    this.#resolve({ status: this.#status, headers: this.#headers, body })
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#settled) return
    this.#settle(false)
    this.#reject(classifyNlpError({ error, answering: this.#status > 0 }))
  }

  #body(): string {
    if (this.#first === undefined) return ''
    return (this.#rest ? Buffer.concat([this.#first, ...this.#rest]) : this.#first).toString('utf8')
  }

  #settle(clean: boolean): void {
    this.#settled = true
    this.#host.settled(this, clean)
  }
}
