import { Client, SniffingTransport, type ClientOptions } from '@elastic/elasticsearch'
import { pinnedAuthority } from './pinned-authority.js'

/** For who hands the client on and need not know whose it is. */
export type ElasticsearchClient = Client

export interface ElasticsearchClientOptions {
  /** One or more addresses; requests go to them in turn, and one that fails is left out for a while. */
  readonly nodes: readonly string[]
  /** Until the answer's headers, and between two pieces of its body. */
  readonly requestTimeoutMs: number
  /** Sends bodies compressed and asks for compressed answers. */
  readonly compression: boolean
  /** Connections to each node, at most. */
  readonly maxConnections: number
  /** How long an idle connection is kept, unless the server says; default 30 s. */
  readonly keepAliveMs?: number
  readonly apiKey?: string | undefined
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly tls?: ElasticsearchTls | undefined
}

interface ElasticsearchTls {
  /** PEM. */
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly passphrase?: string | undefined
  readonly serverName?: string | undefined
  /** Default true. Where there is a fingerprint, that is verified in any case. */
  readonly verify?: boolean | undefined
  /** SHA-256 of the CA's certificate, in hexadecimal with or without colons; it takes the place of `ca`. */
  readonly fingerprint?: string | undefined
}

const connectTimeoutMs = 10_000

/**
 * The client's own ten minutes are more than what stands in between keeps (load balancers, firewalls: from one minute on), and
 * a request on a connection that they forgot hangs.
 */
const idleMs = 30_000

/** An answer to a bulk is a few kilobytes; this bounds what a broken proxy can make us hold. */
const maxResponseBytes = 32 * 1024 * 1024

/**
 * The client as this room wants it: one attempt per request (retries are the bulk stage's), a time-out on each, and a
 * node that fails or hangs is marked dead. Throws the client's `ConfigurationError` for options it cannot take. Close
 * it with `client.close()` when nothing is in flight.
 */
export function elasticsearchClient(options: ElasticsearchClientOptions): Client {
  const auth = authOf(options)
  return new Client({
    nodes: [...options.nodes],
    maxRetries: 0,
    Transport: TimeoutsMarkDead,
    requestTimeout: options.requestTimeoutMs,
    compression: options.compression,
    maxResponseSize: maxResponseBytes,
    maxCompressedResponseSize: maxResponseBytes,
    sniffOnStart: false,
    enableMetaHeader: false,
    // Searching each answer for `__proto__` costs 0.3 µs a document; nothing of an answer is copied into an object.
    disablePrototypePoisoningProtection: true,
    ...connectionsOf(options),
    ...(auth === undefined ? {} : { auth }),
  })
}

/** With no retries left, `retryOnTimeout` only decides that a node which hangs is marked dead like one that refuses. */
class TimeoutsMarkDead extends SniffingTransport {
  constructor(options: ConstructorParameters<typeof SniffingTransport>[0]) {
    super({ ...options, retryOnTimeout: true })
  }
}

function authOf(options: ElasticsearchClientOptions): ClientOptions['auth'] | undefined {
  if (options.apiKey !== undefined) return { apiKey: options.apiKey }
  if (options.username === undefined) return undefined
  return { username: options.username, password: options.password ?? '' }
}

function connectionsOf({
  maxConnections: connections,
  keepAliveMs: keepAliveTimeout = idleMs,
  tls = {},
}: ElasticsearchClientOptions): Pick<ClientOptions, 'agent' | 'tls'> {
  const { ca, cert, key, passphrase, serverName, fingerprint, verify = true } = tls
  const own = {
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  }
  if (fingerprint === undefined) {
    return {
      agent: { connections, keepAliveTimeout },
      tls: { ...own, rejectUnauthorized: verify, ...(ca === undefined ? {} : { ca }) },
    }
  }
  const connect = pinnedAuthority({ fingerprint, tls: own, timeoutMs: connectTimeoutMs })
  // Handed to undici's pool as it is, as long as there is no `tls`; its type in the client leaves `connect` out.
  const agent: ClientOptions['agent'] & object = Object.assign({ connections, keepAliveTimeout }, { connect })
  return { agent }
}
