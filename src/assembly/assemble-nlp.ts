import { resolve } from 'node:path'
import type { Config } from '../config/schema.js'
import type { Analyser } from '../enrich/analyser.js'
import { embeddedAnalyser } from '../enrich/embedded-analyser.js'
import { HttpAnalyser } from '../enrich/http-analyser.js'
import type { NlpProtocol } from '../enrich/nlp-protocol.js'
import { corenlpProtocol } from '../enrich/protocols/corenlp.js'
import { enrichdProtocol } from '../enrich/protocols/enrichd.js'
import { httpProtocol } from '../enrich/protocols/http.js'
import { loadAdapter } from '../enrich/protocols/load-adapter.js'
import { proxyFor } from '../enrich/proxy-for.js'
import type { Telemetry } from '../telemetry/telemetry.js'
import { proxiesOf, type Environment } from './proxies.js'
import { maskInUse } from './secrets-in-use.js'

/** The NLP service by the settings `nlp.*`: over HTTP, or inside this process. `environment`: for the proxies. */
export async function assembleAnalyser(
  config: Config,
  { environment, telemetry }: { readonly environment: Environment; readonly telemetry: Telemetry },
): Promise<Analyser> {
  const { nlp } = config
  if (nlp.url === 'embedded:') {
    // Loaded late: a service behind HTTP needs no pool of workers, which takes 9 MiB.
    const { createEmbeddedEngine } = await import('../nlp-engine/embedded-engine.js')
    return embeddedAnalyser(createEmbeddedEngine())
  }
  if (!nlp.tls.verify && new URL(nlp.url).protocol === 'https:') {
    telemetry.warning(
      'nlp.tls_unverified',
      'nlp.tls.verify is false: the certificate of the NLP service is not verified',
    )
  }
  return new HttpAnalyser({
    url: nlp.url,
    protocol: await protocolOf(nlp),
    timeoutMs: nlp.timeoutMs,
    headers: nlp.headers,
    bearerToken: nlp.bearerToken,
    tls: nlp.tls,
    proxyUrl: proxyFor(nlp.url, proxiesOf(environment)),
    mask: maskInUse(config, environment),
  })
}

async function protocolOf(nlp: Config['nlp']): Promise<NlpProtocol> {
  const { pathname, search } = new URL(nlp.url)
  const path = pathname + search
  if (nlp.protocol === 'enrichd') return enrichdProtocol({ path })
  if (nlp.protocol === 'corenlp') return corenlpProtocol({ path, batched: nlp.batchSize > 1 })
  if (nlp.protocol === 'http') return httpProtocol({ ...nlp.http, path: join(pathname, nlp.http.path) })
  return loadAdapter(resolve(nlp.protocol), { path })
}

function join(base: string, path: string): string {
  return base.endsWith('/') ? base.slice(0, -1) + path : base + path
}
