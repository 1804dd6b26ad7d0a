import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { belongTogether, type Objection, type Rule } from './rule.js'
import type { Config } from './schema.js'

const certificateBlock = /-----BEGIN [A-Z ]*CERTIFICATE-----[^-]*-----END [A-Z ]*CERTIFICATE-----/g

type TlsUser = 'kafka' | 'nlp' | 'elasticsearch'

/** Rules of the `tls` under a section. */
export function tlsRules(section: TlsUser): readonly Rule[] {
  const key = (name: string) => `${section}.tls.${name}`
  const all = ['enabled', 'ca', 'cert', 'key', 'passphrase'].map(key)
  return [
    {
      reads: [key('cert'), key('key')],
      check: (config) => belongTogether(config[section].tls, ['cert', 'key'], `${section}.tls`),
    },
    { reads: all, check: (config) => unreadable(config[section].tls, section) },
    { reads: [...all, 'nlp.url', 'elasticsearch.nodes'], check: (config) => unused(config, section) },
  ]
}

/** OpenSSL reads the texts here, once, rather than at every attempt to connect. */
function unreadable(tls: Config[TlsUser]['tls'], section: TlsUser): Objection | undefined {
  const { ca, cert, key, passphrase } = tls
  if ((cert === undefined) !== (key === undefined)) return undefined
  try {
    // OpenSSL passes over what it cannot read in `ca`; a connection would then trust nobody.
    for (const block of ca?.match(certificateBlock) ?? []) new X509Certificate(block)
    createSecureContext({ ca, cert, key, passphrase })
    return undefined
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'it failed'
    return {
      key: `${section}.tls`,
      expected: `certificates and a key that belong together and that OpenSSL can read (${reason})`,
    }
  }
}

/** Settings of TLS that would have no effect are a mistake that leaves a connection in the clear. */
function unused(config: Config, section: TlsUser): Objection | undefined {
  const { tls } = config[section]
  const fingerprint = section === 'elasticsearch' ? config.elasticsearch.tls.fingerprint : undefined
  const texts = [tls.ca, tls.cert, tls.passphrase, tls.serverName, fingerprint]
  const wanted = texts.some((value) => value !== undefined)
  if (section === 'kafka') {
    return wanted && !tls.enabled
      ? { key: 'kafka.tls.enabled', expected: 'true, because other settings of kafka.tls are set' }
      : undefined
  }
  const plain = addressesOf(config, section).find((address) => /^http:/i.test(address))
  if (plain === undefined || !(wanted || tls.enabled)) return undefined
  const address = section === 'nlp' ? 'nlp.url' : 'elasticsearch.nodes'
  return { key: address, expected: `only https:// addresses, because ${section}.tls is set` }
}

function addressesOf(config: Config, section: Exclude<TlsUser, 'kafka'>): readonly string[] {
  return section === 'nlp' ? [config.nlp.url] : config.elasticsearch.nodes
}
