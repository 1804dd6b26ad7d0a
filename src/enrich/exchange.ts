import type { Dispatcher } from 'undici'
import type { AnalyserCall, Canceller } from './analyser.js'
import { badAnswer } from './check-analysis.js'
import { classifyNlpError } from './classify-nlp-error.js'
import type { Analysis } from './analysis.js'
import type { NlpAnswer } from './nlp-protocol.js'

type Headers = NlpAnswer['headers']

/** Whoever an exchange is made for. One object for all of them: nothing is made per call that need not be. */
export interface ExchangeHost {
  /** An answer that grows beyond is cut off. */
  readonly maxAnswerBytes: number
  /** What an answer says of the texts. An error that it throws is the exchange's. */
  read(answer: NlpAnswer, texts: readonly string[]): readonly Analysis[]
  /** The exchange is over; `clean` if its connection can serve again. */
  settled(exchange: Exchange, clean: boolean): void
  /** It is over by an answer or an error: `read` is to be called, and then `tell`. */
  over(exchange: Exchange): void
}

export interface ExchangeOptions {
  readonly texts: readonly string[]
  readonly call: AnalyserCall
  readonly request: Dispatcher.DispatchOptions
  readonly connection: Dispatcher
  readonly untilMs: number
}

/**
 * One request and its answer, as undici's `dispatch` tells of it (`request` costs a quarter more).
 *
 * under way → settled, by the answer's end or by an error → read → told
 * under way → settled by `cancel`, and told in the same tick
 *
 * What comes once it is settled is not looked at.
 */
export class Exchange implements Dispatcher.DispatchHandler, Canceller {
  readonly texts: readonly string[]
  readonly call: AnalyserCall
  readonly request: Dispatcher.DispatchOptions
  readonly connection: Dispatcher
  /** Its host's: when it must be over, and its place among those under way. */
  readonly untilMs: number
  slot = -1
  /** It has been given to its connection. */
  sent = false
  readonly #host: ExchangeHost
  #controller: Dispatcher.DispatchController | undefined
  #failure: unknown
  #answer: readonly Analysis[] | undefined
  #settled = false
  #status = 0
  #headers: Headers = {}
  #first: Buffer | undefined
  #rest: Buffer[] | undefined
  #bytes = 0

  constructor(host: ExchangeHost, { texts, call, request, connection, untilMs }: ExchangeOptions) {
    this.#host = host
    this.texts = texts
    this.call = call
    this.request = request
    this.connection = connection
    this.untilMs = untilMs
  }

  /** What comes from now on is not looked at. */
  get settled(): boolean {
    return this.#settled
  }

  /** Ends it now. */
  cancel(reason: Error): void {
    if (this.#settled) return
    this.#failure = reason
    this.#settle(!this.sent)
    queueMicrotask(() => {
      this.tell()
    })
    this.#controller?.abort(reason)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    // It was cut off while it waited for its connection.
    if (this.#failure instanceof Error) controller.abort(this.#failure)
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    this.#status = status
    this.#headers = headers
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes > this.#host.maxAnswerBytes) {
      const error = badAnswer(`it is longer than ${this.#host.maxAnswerBytes} bytes`)
      this.fail(error)
      this.#controller?.abort(error)
    } else if (this.#first === undefined) {
      this.#first = chunk
    } else {
      this.#rest ??= []
      this.#rest.push(chunk)
    }
  }

  onResponseEnd(): void {
    if (this.#settled) return
    this.#settle(true)
    this.#host.over(this)
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.fail(error)
  }

  /** It is over without an answer. */
  fail(error: Error): void {
    if (this.#settled) return
    this.#failure = classifyNlpError({ error, answering: this.#status > 0 })
    this.#settle(false)
    this.#host.over(this)
  }

  /** Reads the answer. Whether it is a good one. */
  read(): boolean {
    if (this.#failure !== undefined) return false
    const answer = { status: this.#status, headers: this.#headers, body: this.#body() }
    try {
      this.#answer = this.#host.read(answer, this.texts)
    } catch (error) {
      this.#failure = error
    }
    return this.#answer !== undefined
  }

  /** Whose call it was. */
  tell(): void {
    if (this.#answer === undefined) this.call.failed(this.#failure)
    else this.call.done(this.#answer)
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
