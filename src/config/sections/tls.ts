import { boolean, text } from '../format.js'
import { optional, setting } from '../setting.js'
import { pem } from '../text-formats.js'

/** The seven leaves that every connection with TLS has. `enabled` says what switching it on means for this one. */
export function tlsSection(enabled: string) {
  return {
    enabled: setting(boolean(), false, { doc: enabled, example: 'true' }),
    ca: optional(pem('CERTIFICATE'), {
      doc: 'The certificates to trust, in place of those that Node.js brings.',
      example: '-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----',
    }),
    cert: optional(pem('CERTIFICATE'), {
      doc: 'The certificate to show, with its chain; `key` belongs to it.',
      example: '-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----',
    }),
    key: optional(pem('PRIVATE KEY'), {
      doc: 'The private key of `cert`.',
      example: '-----BEGIN PRIVATE KEY-----\nMIIE…\n-----END PRIVATE KEY-----',
      secret: true,
    }),
    passphrase: optional(text({ expected: 'text' }), {
      doc: 'The passphrase of `key`, if it has one.',
      example: 'correct horse battery staple',
      secret: true,
    }),
    serverName: optional(text({ expected: 'a host name', pattern: /^[A-Za-z0-9._-]+$/ }), {
      doc: 'The name that the certificate must carry, where it differs from the address.',
      example: 'broker.internal',
    }),
    verify: setting(boolean(), true, {
      doc: 'Whether the certificate is verified. Without it anybody in between can read and change everything.',
      example: 'true',
    }),
  }
}
