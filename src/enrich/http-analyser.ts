import { EnrichdError } from '../errors.js'
import { systemClock, type Clock } from '../pipeline/clock.js'
import type { Analyser, AnalyserCall } from './analyser.js'
import type { Analysis } from './analysis.js'
import { badAnswer } from './check-analysis.js'
import { classifyNlpError, isHtml } from './classify-nlp-error.js'
import { openConnections, type Connections, type TlsOptions } from './connections.js'
import { DeadlineWatch } from './deadline-watch.js'
import { Exchange, type ExchangeHost } from './exchange.js'
import type { NlpAnswer, NlpProtocol } from './nlp-protocol.js'
import { SlotTable } from './slot-table.js'

export interface HttpAnalyserOptions {
  /** `http:` or `https:`; only its origin is used, the protocol has the path. */
  readonly url: string
  readonly protocol: NlpProtocol
  /** Per call, from handing it over to the answer's last byte, connecting included. */
  readonly timeoutMs: number
  /** Sent with every request; they win over the protocol's. */
  readonly headers?: Readonly<Record<string, string>>
  readonly bearerToken?: string | undefined
  readonly tls?: TlsOptions
  /** The proxy for this url; see `proxyFor`. */
  readonly proxyUrl?: string | undefined
  /** Takes secrets out of what the service says where it refuses a call. Default: it is kept as it is. */
  readonly mask?: (text: string) => string
  /** Default 8 MiB. A longer answer is cut off and counts as a bad one. */
  readonly maxAnswerBytes?: number
  readonly clock?: Clock
}

/** Connecting has its own limit: it never counts against a record, and a packet that is lost costs less. */
const connectTimeoutMs = 2000

/**
 * The NLP service over HTTP/1.1. As many connections as there are calls at once, each kept alive; redirects are not followed;
 * the body of every answer is read to its end, up to its bound. Nothing is ever repeated here. A call is sent at the end of the tick
 * in which it is made, and told of its answer a turn of the event loop after that has come.
 * @throws TypeError if `url` is none, RangeError if a bound is out of range.
 */
export class HttpAnalyser implements Analyser {
  readonly name: string
  readonly maxTexts: number
  readonly #protocol: NlpProtocol
  readonly #origin: string
  readonly #timeoutMs: number
  readonly #mask: ((text: string) => string) | undefined
  readonly #host: ExchangeHost
  readonly #clock: Clock
  readonly #connections: Connections
  readonly #userHeaders: Readonly<Record<string, string>>
  /** The same for nearly every request, so made once per content type. */
  readonly #headers = new Map<string, Record<string, string>>()
  readonly #underWay = new SlotTable<Exchange>()
  readonly #deadlines: DeadlineWatch
  /** Those that have begun in this tick, as they came. */
  #unsent: Exchange[] = []
  /** Those that were over in this turn of the event loop, as they came. */
  #over: Exchange[] = []
  #closed = false

  constructor(options: HttpAnalyserOptions) {
    const { protocol, timeoutMs, headers = {}, bearerToken, maxAnswerBytes = 8 * 1024 * 1024 } = options
    const { protocol: scheme, origin } = new URL(options.url)
    if (scheme !== 'http:' && scheme !== 'https:')
      throw new TypeError('nlp.url must begin with http:// or https://')
    if (!(timeoutMs > 0)) throw new RangeError(`timeoutMs must be above 0, not ${timeoutMs}`)
    if (!(maxAnswerBytes > 0)) throw new RangeError(`maxAnswerBytes must be above 0, not ${maxAnswerBytes}`)
    this.name = protocol.name
    this.maxTexts = protocol.maxTexts
    this.#protocol = protocol
    this.#origin = origin
    this.#timeoutMs = timeoutMs
    this.#mask = options.mask
    this.#host = {
      maxAnswerBytes,
      read: (answer, asked) => this.#read(answer, asked),
      settled: (exchange, clean) => {
        this.#settled(exchange, clean)
      },
      over: (exchange) => {
        if (this.#over.push(exchange) === 1) setImmediate(this.#conclude)
      },
    }
    this.#clock = options.clock ?? systemClock
    this.#deadlines = new DeadlineWatch({
      clock: this.#clock,
      underWay: () => this.#underWay.values(),
      onLate: (exchange) => {
        exchange.cancel(this.#timeout())
      },
    })
    this.#userHeaders = {
      ...(bearerToken !== undefined && { authorization: `Bearer ${bearerToken}` }),
      ...lowerCased(headers),
    }
    this.#connections = openConnections({
      origin,
      tls: options.tls ?? {},
      proxyUrl: options.proxyUrl,
      connectTimeoutMs: Math.min(connectTimeoutMs, timeoutMs),
    })
  }

  analyse(texts: readonly string[], call: AnalyserCall): void {
    try {
      if (this.#closed) throw closedError()
      this.#begin(texts, call)
    } catch (error) {
      queueMicrotask(() => {
        call.failed(error)
      })
    }
  }

  #read(answer: NlpAnswer, texts: readonly string[]): readonly Analysis[] {
    if (answer.status < 200 || answer.status >= 300 || isHtml(answer.headers['content-type'], answer.body)) {
      throw classifyNlpError(answer, this.#mask)
    }
    try {
      return this.#protocol.parse(answer, texts)
    } catch (error) {
      const encoding = answer.headers['content-encoding'] ?? 'identity'
      if (encoding === 'identity') throw error
      const what = `it is compressed (content-encoding: ${String(encoding)}), which was not asked for`
      throw badAnswer(`${what}: switch that off in the service`, error)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const exchange of this.#underWay.values()) exchange.cancel(closedError())
    this.#deadlines.close()
    await this.#connections.close()
  }

  #begin(texts: readonly string[], call: AnalyserCall): void {
    const { method, path, contentType, body } = this.#protocol.request(texts)
    const request = { origin: this.#origin, method, path, headers: this.#headersFor(contentType), body }
    const untilMs = this.#clock.now() + this.#timeoutMs
    const connection = this.#connections.take()
    const exchange = new Exchange(this.#host, { texts, call, request, connection, untilMs })
    exchange.slot = this.#underWay.add(exchange)
    this.#deadlines.arm(this.#timeoutMs)
    call.canceller = exchange
    if (this.#unsent.push(exchange) === 1) process.nextTick(this.#send)
  }

  /** What is asked in one go is sent in one go, see `#conclude`. */
  readonly #send = (): void => {
    const unsent = this.#unsent
    this.#unsent = []
    for (const exchange of unsent) {
      if (exchange.settled) continue
      exchange.sent = true
      try {
        exchange.connection.dispatch(exchange.request, exchange)
      } catch (error) {
        exchange.fail(error instanceof Error ? error : new Error(String(error)))
      }
    }
  }

  #settled(exchange: Exchange, clean: boolean): void {
    exchange.call.canceller = undefined
    this.#underWay.remove(exchange.slot)
    if (clean) this.#connections.giveBack(exchange.connection)
    else this.#connections.discard(exchange.connection, cutOff)
  }

  /**
   * What a turn of the event loop brought is dealt with in step, once all of it has come: all answers are read, then the calls sent
   * that have waited for their places, and only in the next turn, when those are on their way, does anybody hear of the answers.
   */
  readonly #conclude = (): void => {
    const over = this.#over
    this.#over = []
    const good = over.filter((exchange) => exchange.read())
    for (const { call } of good) call.answered()
    this.#send()
    setImmediate(() => {
      for (const exchange of over) exchange.tell()
    })
  }

  #headersFor(contentType: string): Record<string, string> {
    let headers = this.#headers.get(contentType)
    if (headers === undefined) {
      headers = { 'content-type': contentType, accept: 'application/json', ...this.#userHeaders }
      this.#headers.set(contentType, headers)
    }
    return headers
  }

  #timeout(): EnrichdError {
    return new EnrichdError('NLP_TIMEOUT', `the NLP service did not answer within ${this.#timeoutMs} ms`, {
      kind: 'suspect',
    })
  }
}

const cutOff = new Error('the call was cut off')

function closedError(): EnrichdError {
  return new EnrichdError('NLP_UNREACHABLE', 'the NLP client is closed', { kind: 'outage' })
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}
