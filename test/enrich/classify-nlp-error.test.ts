import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errors } from 'undici'
import fc from 'fast-check'
import { classifyNlpError } from '../../src/enrich/classify-nlp-error.js'
import { maskSecrets } from '../../src/telemetry/mask-secrets.js'
import { EnrichdError, inFull, type ErrorCode, type FailureKind } from '../../src/errors.js'

const answered = (status: number, headers: Record<string, string> = {}, body = '') =>
  classifyNlpError({ status, headers, body })
const failed = (error: unknown, answering = false) => classifyNlpError({ error, answering })
const withCode = (code: string) => Object.assign(new Error(code), { code })

const byStatus: Record<number, readonly [FailureKind, ErrorCode]> = {
  400: ['record', 'NLP_REJECTED'],
  413: ['record', 'NLP_REJECTED'],
  422: ['record', 'NLP_REJECTED'],
  429: ['outage', 'NLP_OVERLOADED'],
  503: ['outage', 'NLP_OVERLOADED'],
  408: ['suspect', 'NLP_TIMEOUT'],
  500: ['suspect', 'NLP_SERVER_ERROR'],
  501: ['suspect', 'NLP_SERVER_ERROR'],
  502: ['suspect', 'NLP_SERVER_ERROR'],
  504: ['suspect', 'NLP_SERVER_ERROR'],
  529: ['suspect', 'NLP_SERVER_ERROR'],
  301: ['setting', 'NLP_MISCONFIGURED'],
  302: ['setting', 'NLP_MISCONFIGURED'],
  304: ['setting', 'NLP_MISCONFIGURED'],
  308: ['setting', 'NLP_MISCONFIGURED'],
  401: ['setting', 'NLP_MISCONFIGURED'],
  402: ['setting', 'NLP_MISCONFIGURED'],
  403: ['setting', 'NLP_MISCONFIGURED'],
  404: ['setting', 'NLP_MISCONFIGURED'],
  405: ['setting', 'NLP_MISCONFIGURED'],
  407: ['setting', 'NLP_MISCONFIGURED'],
  410: ['setting', 'NLP_MISCONFIGURED'],
  415: ['setting', 'NLP_MISCONFIGURED'],
}
for (const [status, [kind, code]] of Object.entries(byStatus)) {
  test(`${status} is ${kind}`, () => {
    const error = answered(Number(status))
    assert.deepEqual([error.kind, error.code], [kind, code])
  })
}

const byCode: Record<string, readonly [FailureKind, ErrorCode]> = {
  ECONNREFUSED: ['outage', 'NLP_UNREACHABLE'],
  ECONNRESET: ['outage', 'NLP_UNREACHABLE'],
  EPIPE: ['outage', 'NLP_UNREACHABLE'],
  ENOTFOUND: ['outage', 'NLP_UNREACHABLE'],
  EAI_AGAIN: ['outage', 'NLP_UNREACHABLE'],
  EHOSTUNREACH: ['outage', 'NLP_UNREACHABLE'],
  ETIMEDOUT: ['outage', 'NLP_UNREACHABLE'],
  UND_ERR_CONNECT_TIMEOUT: ['outage', 'NLP_UNREACHABLE'],
  UND_ERR_SOCKET: ['outage', 'NLP_UNREACHABLE'],
  UND_ERR_HEADERS_TIMEOUT: ['suspect', 'NLP_TIMEOUT'],
  UND_ERR_BODY_TIMEOUT: ['suspect', 'NLP_TIMEOUT'],
  HPE_INVALID_CONSTANT: ['suspect', 'NLP_BAD_ANSWER'],
  SELF_SIGNED_CERT_IN_CHAIN: ['setting', 'NLP_MISCONFIGURED'],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['setting', 'NLP_MISCONFIGURED'],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ['setting', 'NLP_MISCONFIGURED'],
  CERT_HAS_EXPIRED: ['setting', 'NLP_MISCONFIGURED'],
  ERR_TLS_CERT_ALTNAME_INVALID: ['setting', 'NLP_MISCONFIGURED'],
  ERR_SSL_WRONG_VERSION_NUMBER: ['setting', 'NLP_MISCONFIGURED'],
  EPROTO: ['setting', 'NLP_MISCONFIGURED'],
}
for (const [code, expected] of Object.entries(byCode)) {
  test(`${code} is ${expected[0]}`, () => {
    const error = failed(withCode(code))
    assert.deepEqual([error.kind, error.code], expected)
  })
}

test('an answer that is cut off is suspect, whatever cut it off', () => {
  for (const code of ['ECONNRESET', 'UND_ERR_SOCKET', 'HPE_INVALID_EOF_STATE', 'ANYTHING']) {
    const error = failed(withCode(code), true)
    assert.deepEqual([error.kind, error.code], ['suspect', 'NLP_BAD_ANSWER'])
  }
})

test('what the service said is kept apart from the message, cut, where the fault may be the record’s', () => {
  const body = '{"error":\n  "no such language: xx"}'
  for (const status of [400, 422, 500]) {
    const error = answered(status, {}, body)
    assert.equal(error.said, '{"error": "no such language: xx"}')
    assert.doesNotMatch(error.message, /language/)
    assert.equal(inFull(error.within({ attempt: 2 })), `${error.message}: ${error.said}`)
  }
  assert.equal(answered(422, {}, 'x'.repeat(10_000)).said, `${'x'.repeat(300)}…`)
  assert.equal(answered(422, {}, '\u001b]0;title\u0007 no').said, ']0;title no')
  for (const error of [
    answered(422),
    answered(502, { 'content-type': 'text/html' }, body),
    answered(401, {}, body),
  ])
    assert.deepEqual([error.said, inFull(error)], [undefined, error.message])
})

test('what it said holds no secret, wherever that is cut', () => {
  const secret = 'two  words-0123456789'
  const mask = maskSecrets([secret])
  for (let at = 250; at <= 300; at++) {
    const body = `${'x'.repeat(at)}${secret} and more`
    const { said = '' } = classifyNlpError({ status: 500, headers: {}, body }, mask)
    assert.doesNotMatch(said, /two|words/, `from ${at} on: ${said}`)
    assert.ok(said.length <= 301, said)
  }
})

test('an HTML page with a 2xx is a wrong setting', () => {
  assert.equal(answered(200, { 'content-type': 'text/html' }, '<html>').kind, 'setting')
})

test('a host with several addresses that all refuse is an outage', () => {
  const both = new AggregateError([withCode('ECONNREFUSED'), withCode('ECONNREFUSED')])
  assert.equal(failed(both).kind, 'outage')
})

test('a proxy that wants a password is a wrong setting, one that cannot connect is an outage', () => {
  assert.equal(failed(new errors.InvalidArgumentError('Proxy Authentication Required (407)')).kind, 'setting')
  const through = (status: number) =>
    failed(new Error(`Proxy response (${status}) !== 200 when HTTP Tunneling`)).kind
  assert.equal(through(407), 'setting')
  assert.equal(through(403), 'setting')
  assert.equal(through(502), 'outage')
})

test('plain HTTP against a TLS port is a wrong setting, not the fault of each record', () => {
  assert.equal(answered(400, {}, 'The plain HTTP request was sent to HTTPS port').kind, 'setting')
  assert.equal(answered(400, {}, 'Client sent an HTTP request to an HTTPS server.').kind, 'setting')
})

test('each wrong setting says what to change', () => {
  assert.match(answered(401).message, /nlp\.bearerToken/)
  assert.match(answered(404).message, /nlp\.url/)
  assert.match(answered(415).message, /nlp\.http\.contentType/)
  assert.match(failed(withCode('SELF_SIGNED_CERT_IN_CHAIN')).message, /nlp\.tls\.ca/)
})

test('the target of a redirect is named without what may be secret', () => {
  const { message } = answered(301, { location: 'https://user:secret@nlp.example/v2?token=secret' })
  assert.match(message, /https:\/\/nlp\.example\/v2/)
  assert.doesNotMatch(message, /secret/)
})

test('no message quotes a body, which may echo the text', () => {
  for (const status of [400, 422, 429, 500, 503]) {
    assert.doesNotMatch(answered(status, {}, 'the text itself').message, /the text itself/)
  }
})

test('it is total: anything becomes an error of ours, and one of ours stays as it is', () => {
  fc.assert(
    fc.property(fc.anything(), fc.boolean(), (error, answering) => {
      assert.ok(failed(error, answering) instanceof EnrichdError)
    }),
  )
  fc.assert(
    fc.property(fc.integer({ min: 200, max: 999 }), (status) => {
      assert.ok(answered(status) instanceof EnrichdError)
    }),
  )
  const ours = answered(429)
  assert.equal(failed(ours), ours)
})

const date = (offsetS: number) => new Date(Date.UTC(2024, 0, 1) + offsetS * 1000).toUTCString()
const asks: readonly (readonly [string, number | undefined, Record<string, string>, string?])[] = [
  ['Retry-After in seconds', 7000, { 'retry-after': '7' }],
  ['Retry-After as a date, by the clock of the answer', 9000, { 'retry-after': date(9), date: date(0) }],
  ['Retry-After in the past', 0, { 'retry-after': date(-9), date: date(0) }],
  ['Retry-After beyond five minutes', 300_000, { 'retry-after': '86400' }],
  ['Retry-After that is nonsense', undefined, { 'retry-after': 'soon' }],
  ['RateLimit with t', 5000, { ratelimit: '"default";r=0;t=5' }],
  ['RateLimit with reset', 6000, { ratelimit: 'limit=10, remaining=0, reset=6' }],
  ['RateLimit-Reset', 4000, { 'ratelimit-reset': '4' }],
  ['estimated_time of Hugging Face', 20_500, {}, '{"error":"loading","estimated_time":20.5}'],
  ['nothing', undefined, {}],
]
for (const [name, expected, headers, body] of asks) {
  test(`what a 503 asks for: ${name}`, () => {
    assert.equal(answered(503, headers, body).retryAfterMs, expected)
  })
}

test('Retry-After as a date without a Date header is taken by our own clock', () => {
  const asked = answered(429, { 'retry-after': new Date(Date.now() + 10_000).toUTCString() }).retryAfterMs
  assert.ok(asked !== undefined && asked > 8000 && asked <= 10_000)
})
