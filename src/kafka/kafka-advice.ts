interface TlsFault {
  readonly code: RegExp
  readonly advice: string
}

const tlsFaults: readonly TlsFault[] = [
  {
    code: /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_|CERT_UNTRUSTED|CERT_SIGNATURE_FAILURE)/,
    advice: 'set kafka.tls.ca to the certificate of the CA that signed for the brokers',
  },
  {
    code: /^(ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH)$/,
    advice:
      "correct the host in kafka.brokers (or in the brokers' advertised.listeners), or set kafka.tls.serverName to a name in the certificate",
  },
  {
    code: /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/,
    advice: "renew the brokers' certificate, or correct the clock",
  },
  {
    code: /^ERR_SSL_.*ALERT_(NO_|BAD_|UNSUPPORTED_|REVOKED_)?(CERTIFICATE|UNKNOWN_CA|HANDSHAKE_FAILURE|ACCESS_DENIED)/,
    advice: 'set kafka.tls.cert and kafka.tls.key to a client certificate that the brokers trust and its key',
  },
  {
    code: /^(ERR_SSL_|ERR_OSSL_|ERR_TLS_|EPROTO$)/,
    advice: 'check kafka.tls.enabled, the other settings of kafka.tls, and the port in kafka.brokers',
  },
]

/** What to change where a socket's error code says that TLS failed, undefined for all others. */
export function tlsAdvice(code: string): string | undefined {
  return tlsFaults.find((fault) => fault.code.test(code))?.advice
}

const listener = 'or use the port of another listener in kafka.brokers'

const byType: Readonly<Record<string, string>> = {
  UNKNOWN_TOPIC_OR_PARTITION:
    'the topic does not exist, or this user may not see it; `enrichd setup` makes dead letter topics',
  ILLEGAL_SASL_STATE: `these brokers take no login at this port: leave kafka.sasl.* out, ${listener}`,
  UNSUPPORTED_SASL_MECHANISM: `set kafka.sasl.mechanism to one that the brokers have enabled, ${listener}`,
  SASL_AUTHENTICATION_FAILED: 'check kafka.sasl.username and kafka.sasl.password',
  TOPIC_AUTHORIZATION_FAILED:
    'let this user read the topics of kafka.topics and write to the dead letter topic',
  GROUP_AUTHORIZATION_FAILED: 'let this user read the group kafka.groupId',
}

/** By what the client says; what a broker does that wants something else than it gets is to close the connection. */
const byMessage: readonly (readonly [RegExp, string])[] = [
  [
    /mechanism is not supported by the server/,
    `set kafka.sasl.mechanism to one that the brokers have enabled, ${listener}`,
  ],
  [/^SASL .* authentication failed/i, 'check kafka.sasl.username and kafka.sasl.password'],
  [
    /^Closed connection$/,
    'if it stays so, the brokers may want TLS (kafka.tls.enabled) or a login (kafka.sasl.mechanism) at this port',
  ],
  [
    /disconnected before secure TLS connection/,
    'if it stays so, the brokers may not speak TLS at this port: check kafka.tls.enabled and kafka.brokers',
  ],
]

/** What to change for an error of the client, where that is known. */
export function kafkaAdvice(type: string, message: string): string | undefined {
  if (Object.hasOwn(byType, type)) return byType[type]
  return byMessage.find(([pattern]) => pattern.test(message))?.[1]
}

/** OpenSSL's line for its developers, cut down to what it says: `sslv3 alert bad certificate`. */
export function readable(message: string): string {
  return message.replace(/[0-9A-F]+:error:[0-9A-F]+:SSL routines:[^:]*:([^:]+):[^]*$/, '$1')
}
