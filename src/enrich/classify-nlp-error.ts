import { STATUS_CODES } from 'node:http'
import { EnrichdError, type ErrorCode } from '../errors.js'
import { retryAfterMs } from './retry-after.js'

/** An answer that is no success. */
export interface NlpRefusal {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** What can go wrong with one call: an answer that is no success, or an error before its end. */
export type NlpFailure =
  | NlpRefusal
  | {
      readonly error: unknown
      /** Whether the answer had begun: then it was cut off. */
      readonly answering: boolean
    }

/** What is kept of the body of an answer that is no success. */
const MAX_SAID_CHARACTERS = 300
/** Of so much of it secrets are taken out before: one that is cut through would not be known. */
const MAX_MASKED_CHARACTERS = 8192

/**
 * Total: whatever went wrong with a call becomes one of the four kinds of failure. No message quotes a body, which may echo
 * the text; the beginning of it is kept apart, without secrets, where the fault may be the record's.
 */
export function classifyNlpError(
  failure: NlpFailure,
  mask: (text: string) => string = (text) => text,
): EnrichdError {
  return 'status' in failure ? classifyAnswer(failure, mask) : classifyError(failure.error, failure.answering)
}

/** Whether a page for people came where an answer for programs should be: a login page, a proxy's greeting. */
export function isHtml(contentType: string | string[] | undefined, body: string): boolean {
  return /^\s*text\/html/i.test(String(contentType ?? '')) || /^\s*<(!doctype html|html)/i.test(body)
}

const settings: Readonly<Record<number, string>> = {
  401: 'set nlp.bearerToken or nlp.headers to what it accepts',
  403: 'let these credentials (nlp.bearerToken, nlp.headers, nlp.tls.cert) use it',
  404: 'correct the path in nlp.url (or nlp.http.path)',
  405: 'correct nlp.url, nlp.protocol or nlp.http.method',
  407: 'give the proxy its user and password in the proxy variable',
  415: 'correct nlp.protocol or nlp.http.contentType',
}

function classifyAnswer(answer: NlpRefusal, mask: (text: string) => string): EnrichdError {
  const { status, headers, body } = answer
  const answered = `the NLP service answered ${status} (${STATUS_CODES[status] ?? 'unknown'})`
  const asked = retryAfterMs(headers, body)
  if (status < 300) return setting(`the NLP service answered ${status} with an HTML page: correct nlp.url`)
  if (status < 400) {
    return setting(`${answered}: set nlp.url to where it redirects to${target(headers['location'])}`)
  }
  if (status === 400 && /HTTP request (was sent )?to (an )?HTTPS/i.test(body)) {
    return setting('the NLP service speaks TLS: begin nlp.url with https://')
  }
  if (status === 400 || status === 413 || status === 422)
    return new EnrichdError('NLP_REJECTED', answered, { kind: 'record', said: beginningOf(answer, mask) })
  if (status === 429 || status === 503) return outage('NLP_OVERLOADED', answered, { retryAfterMs: asked })
  if (status === 408) return suspect('NLP_TIMEOUT', answered, { retryAfterMs: asked })
  if (status >= 500) {
    return suspect('NLP_SERVER_ERROR', answered, { retryAfterMs: asked, said: beginningOf(answer, mask) })
  }
  return setting(`${answered}: ${settings[status] ?? 'correct nlp.url and nlp.protocol'}`)
}

/** In one line; undefined where nothing was said, or a page for people. */
function beginningOf({ headers, body }: NlpRefusal, mask: (text: string) => string): string | undefined {
  if (isHtml(headers['content-type'], body)) return undefined
  const masked = mask(body.slice(0, MAX_MASKED_CHARACTERS))
  const line = masked.replace(/[\s\p{Cc}]+/gu, ' ').trim()
  if (line === '') return undefined
  const said = line.length > MAX_SAID_CHARACTERS ? `${line.slice(0, MAX_SAID_CHARACTERS)}…` : line
  // A copy: a part of a text keeps the whole of it alive, and bodies may be megabytes.
  return Buffer.from(said).toString()
}

/** Without query and user: either may be secret. */
function target(location: string | string[] | undefined): string {
  const [path] = String(location ?? '').split(/[?#]/)
  return path ? ` (${path.replace(/\/\/[^/@]*@/, '//')})` : ''
}

const unreachable = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ETIMEDOUT',
  'EADDRNOTAVAIL',
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_SOCKET',
  'UND_ERR_INFO',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
])
const timeouts = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'])
const misuse = new Set(['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED', 'UND_ERR_PRX_TLS', 'ERR_INVALID_URL'])
const badTls =
  /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|INVALID_CA|EPROTO)/

function classifyError(error: unknown, answering: boolean): EnrichdError {
  if (error instanceof EnrichdError) return error
  const code = codeOf(error)
  const said = error instanceof Error ? error.message : typeof error === 'string' ? error : 'no reason given'
  const cause = error
  if (timeouts.has(code)) return suspect('NLP_TIMEOUT', 'the NLP service did not answer in time', { cause })
  if (misuse.has(code)) return byProxy(said, cause)
  if (badTls.test(code)) {
    const what =
      code === 'EPROTO' || code.includes('WRONG_VERSION')
        ? 'it may not speak TLS: check nlp.url'
        : 'check nlp.tls.ca, .cert, .serverName'
    return setting(`no TLS connection to the NLP service (${code}); ${what}`, cause)
  }
  const throughProxy = /^Proxy response \((\d+)\)/.exec(said)
  if (throughProxy) return proxyAnswered(Number(throughProxy[1]), cause)
  if (answering) return suspect('NLP_BAD_ANSWER', "the NLP service's answer was cut off", { cause })
  if (unreachable.has(code)) {
    return outage('NLP_UNREACHABLE', `the NLP service cannot be reached: ${said || code}${hint(said)}`, {
      cause,
    })
  }
  if (/^(HPE_|UND_ERR_HEADERS_OVERFLOW|UND_ERR_RES)/.test(code)) {
    return suspect('NLP_BAD_ANSWER', `the NLP service's answer is not HTTP (${code})`, { cause })
  }
  return suspect('NLP_BAD_ANSWER', `the call to the NLP service failed: ${said}`, { cause })
}

/** What closes connections without a word is often a server that was spoken to in another way than it wants. */
function hint(said: string): string {
  if (said === 'bad response') return ': it sent 100 Continue, for which nobody had asked'
  if (said === 'bad upgrade') return ': it wants to go on in another protocol (101)'
  if (!/other side closed|disconnected before secure TLS/.test(said)) return ''
  return '; if it stays so, check http or https in nlp.url, and whether it wants a client certificate (nlp.tls.cert)'
}

/** A host name with several addresses fails with an AggregateError: the first inner code tells. */
function codeOf(error: unknown, depth = 0): string {
  if (!(error instanceof Error) || depth > 8) return ''
  const { code } = error as { code?: unknown }
  if (typeof code === 'string') return code
  if (error instanceof AggregateError) return codeOf(error.errors[0], depth + 1)
  return error.cause === undefined ? '' : codeOf(error.cause, depth + 1)
}

function byProxy(said: string, cause: unknown): EnrichdError {
  const hint = /407/.test(said)
    ? (settings[407] ?? '')
    : 'correct nlp.url, nlp.headers or the proxy variables'
  return setting(`the call to the NLP service cannot be made (${said}): ${hint}`, cause)
}

function proxyAnswered(status: number, cause: unknown): EnrichdError {
  const said = `the proxy before the NLP service answered ${status}`
  if (status >= 500 || status === 429) return outage('NLP_UNREACHABLE', said, { cause })
  return setting(`${said}: ${settings[status] ?? 'correct the proxy variables or nlp.url'}`, cause)
}

function setting(message: string, cause?: unknown): EnrichdError {
  return new EnrichdError('NLP_MISCONFIGURED', message, { kind: 'setting', cause })
}

interface More {
  readonly cause?: unknown
  readonly retryAfterMs?: number | undefined
  readonly said?: string | undefined
}

function outage(code: ErrorCode, message: string, more?: More): EnrichdError {
  return new EnrichdError(code, message, { kind: 'outage', ...more })
}

function suspect(code: ErrorCode, message: string, more?: More): EnrichdError {
  return new EnrichdError(code, message, { kind: 'suspect', ...more })
}
