import { encryptKey, type CertificateAuthority } from './certificates.js'

/** A value for every secret setting, each with `canary` in it or known by its text, and what must be seen nowhere. */
export interface Canaries {
  readonly settings: Readonly<Record<string, string>>
  /** User and password of the proxy. */
  readonly proxyLogin: string
  /** Texts that would give a secret away. */
  readonly forbidden: readonly string[]
}

export const kafkaLogin = { user: 'canary_kafka_user', password: 'canary_kafka_password' } as const
const elasticLogin = { user: 'canary_elastic_user', password: 'canary_elastic_password' } as const
const proxyLogin = 'canary_proxy_user:canary_proxy_password'

/** Elasticsearch takes one way to log in at a time: by name, or by key. */
export function plantCanaries(ca: CertificateAuthority, elasticBy: 'name' | 'key'): Canaries {
  const { cert, key } = ca.issue({ commonName: 'enrichd' })
  const tls = (section: string) => {
    const passphrase = `canary_${section}_passphrase`
    return {
      [`${section}.tls.ca`]: ca.cert,
      [`${section}.tls.cert`]: cert,
      [`${section}.tls.key`]: encryptKey(key, passphrase),
      [`${section}.tls.passphrase`]: passphrase,
    }
  }
  const elastic: Record<string, string> =
    elasticBy === 'name'
      ? { 'elasticsearch.username': elasticLogin.user, 'elasticsearch.password': elasticLogin.password }
      : { 'elasticsearch.apiKey': 'canary_elastic_api_key' }
  const settings: Record<string, string> = {
    ...tls('kafka'),
    ...tls('nlp'),
    ...tls('elasticsearch'),
    'kafka.tls.enabled': 'true',
    'kafka.sasl.mechanism': 'scram-sha-512',
    'kafka.sasl.username': kafkaLogin.user,
    'kafka.sasl.password': kafkaLogin.password,
    'nlp.bearerToken': 'canary_nlp_token',
    'nlp.headers': '{"X-Key": "canary_nlp_header"}',
    ...elastic,
  }
  const keys = Object.entries(settings).filter(([name]) => name.endsWith('.key'))
  const logins = [`${elasticLogin.user}:${elasticLogin.password}`, proxyLogin]
  return {
    settings,
    proxyLogin,
    forbidden: [
      'canary',
      ...keys.flatMap(([, text]) => text.split('\n').slice(1, -2)),
      ...logins.map((login) => Buffer.from(login).toString('base64')),
    ],
  }
}
