import type { IncomingHttpHeaders } from 'node:http'
import type { CertificateAuthority } from './certificates.js'
import { startFakeElasticsearch, type FakeElasticsearch } from './fake-elasticsearch.js'
import { startFakeNlp, type FakeNlp } from './fake-nlp.js'
import { startTestProxy } from './test-proxy.js'
import { startTlsFront } from './tls-front.js'

export interface EchoingServices {
  readonly settings: Readonly<Record<string, string | number>>
  readonly env: Readonly<Record<string, string>>
  close(): Promise<void>
}

export interface EchoingServicesOptions {
  /** Signs for the services, and for whom they let in. */
  readonly ca: CertificateAuthority
  /** User and password of the proxy before the NLP service. */
  readonly proxyLogin: string
}

/**
 * An NLP service and an Elasticsearch behind TLS that quote what they are sent, headers and passwords, wherever they complain:
 * at first of everything, then of the records `refused`, `failing` and `misfit`.
 */
export async function startEchoingServices({
  ca,
  proxyLogin,
}: EchoingServicesOptions): Promise<EchoingServices> {
  const nlp = await startEchoingNlp()
  const es = await startEchoingElasticsearch()
  const identity = ca.issue({ commonName: 'stand-in' })
  const guard = (url: string) =>
    startTlsFront({ port: Number(new URL(url).port), identity, clientCa: ca.cert })
  const [nlpFront, esFront] = await Promise.all([guard(nlp.url), guard(es.url)])
  const proxy = await startTestProxy(proxyLogin)
  return {
    env: { https_proxy: `http://${proxyLogin}@127.0.0.1:${proxy.port}` },
    settings: {
      'nlp.url': `https://127.0.0.1:${nlpFront.port}/?key=canary_nlp_query`,
      'nlp.retry.delayMs': 50,
      'nlp.breaker.probeIntervalMs': 50,
      'elasticsearch.nodes': `https://127.0.0.1:${esFront.port}`,
      'elasticsearch.breaker.probeIntervalMs': 50,
      'sink.type': 'elasticsearch',
    },
    async close() {
      await Promise.all([proxy, nlpFront, esFront, nlp, es].map((server) => server.close()))
    },
  }
}

function startEchoingNlp(): Promise<FakeNlp> {
  return startFakeNlp({
    script: ([text = ''], { index, headers }) => {
      const body = JSON.stringify({ error: echo(headers) })
      if (index === 0) return { status: 401, body }
      if (index === 1) return { status: 302, headers: { location: `/login?${headers.authorization}` } }
      if (text === 'refused') return { status: 422, body }
      return text === 'failing' ? { status: 500, body, headers: { 'x-echo': echo(headers) } } : undefined
    },
  })
}

async function startEchoingElasticsearch(): Promise<FakeElasticsearch> {
  const es = await startFakeElasticsearch()
  es.onBulk = (_, number) => {
    const quoted = echo(es.bulks[number - 1]?.headers ?? {})
    const error = { type: 'security_exception', reason: `who is ${quoted}?` }
    if (number === 1) return { status: 401, body: { error, status: 401 } }
    const misfit = { status: 400, type: 'document_parsing_exception', reason: `no place for ${quoted}` }
    return { item: ({ source }) => (source.includes('misfit') ? misfit : undefined) }
  }
  return es
}

/** The headers, and the login in them as it was before it was encoded. */
function echo(headers: IncomingHttpHeaders): string {
  const [, basic = ''] = /^Basic (.*)$/.exec(headers.authorization ?? '') ?? []
  return `${JSON.stringify(headers)} ${Buffer.from(basic, 'base64').toString()}`
}
