import type { CertificateAuthority } from './certificates.js'
import { startStack, type OwnStack } from './stack.js'

export interface SecureKafkaOptions {
  /** Signs for the broker, and for the clients that it trusts. */
  readonly ca: CertificateAuthority
  /** May log in with PLAIN and both kinds of SCRAM; letters, digits and underscores. */
  readonly user: string
  readonly password: string
}

/**
 * A broker with the listeners `TLS`, `MTLS` (asks for a client certificate), `SASL` (a login over TLS) and `BOTH` (a login and a
 * client certificate), beside the plaintext one.
 */
export function startSecureKafka({ ca, user, password }: SecureKafkaOptions): Promise<OwnStack> {
  const { cert, key } = ca.issue({ commonName: 'broker' })
  return startStack({
    name: 'secure-kafka',
    only: 'kafka',
    listeners: { TLS: 'SSL', MTLS: 'SSL', SASL: 'SASL_SSL', BOTH: 'SASL_SSL' },
    scram: { [user]: password },
    kafkaSettings: {
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.certificate.chain': cert,
      'ssl.keystore.key': key,
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.certificates': ca.cert,
      'listener.name.mtls.ssl.client.auth': 'required',
      'listener.name.both.ssl.client.auth': 'required',
      ...logins('sasl', user, password),
      ...logins('both', user, password),
    },
  })
}

function logins(listener: string, user: string, password: string): Record<string, string> {
  const prefix = `listener.name.${listener}`
  const module = (name: string) => `org.apache.kafka.common.security.${name} required`
  return {
    [`${prefix}.sasl.enabled.mechanisms`]: 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    [`${prefix}.plain.sasl.jaas.config`]: `${module('plain.PlainLoginModule')} user_${user}="${password}";`,
    [`${prefix}.scram-sha-256.sasl.jaas.config`]: `${module('scram.ScramLoginModule')};`,
    [`${prefix}.scram-sha-512.sasl.jaas.config`]: `${module('scram.ScramLoginModule')};`,
  }
}
