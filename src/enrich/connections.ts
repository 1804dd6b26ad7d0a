import { buildConnector, Client, ProxyAgent, type Dispatcher } from 'undici'

/** TLS as `nlp.tls.*` has it; certificates and keys are PEM text. */
export interface TlsOptions {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly passphrase?: string | undefined
  readonly serverName?: string | undefined
  /** Default true. */
  readonly verify?: boolean | undefined
}

export interface ConnectionsOptions {
  readonly origin: string
  readonly tls: TlsOptions
  /** A proxy in between: tunnelled with CONNECT for https, asked plainly for http. May carry user and password. */
  readonly proxyUrl: string | undefined
  readonly connectTimeoutMs: number
}

/**
 * Keep-alive connections to one origin, one request at a time on each; as many as are taken at once. The last one given back
 * is the first taken, so that few stay warm. A `Pool` of undici looks through its clients at every dispatch and queues behind
 * connections that hang; here taking is one `pop`, and a connection whose call was cut off is thrown away whole.
 */
export interface Connections {
  take(): Dispatcher
  giveBack(connection: Dispatcher): void
  /** Throws the connection away; whatever it has under way fails with `reason`. */
  discard(connection: Dispatcher, reason: Error): void
  close(): Promise<void>
}

export function openConnections(options: ConnectionsOptions): Connections {
  return options.proxyUrl === undefined ? direct(options) : throughProxy(options, options.proxyUrl)
}

function direct({ origin, tls, connectTimeoutMs }: ConnectionsOptions): Connections {
  const connect = buildConnector({ ...toUndici(tls), timeout: connectTimeoutMs })
  // One object for all: to V8 each of its own would be of a new shape, and half of the time to make a client is looking options up.
  const clientOptions: Client.Options = { ...noTimeouts, connect, pipelining: 1 }
  const idle: Dispatcher[] = []
  let closed = false
  return {
    take: () => idle.pop() ?? new Client(origin, clientOptions),
    giveBack(connection) {
      if (closed) void connection.destroy()
      else idle.push(connection)
    },
    discard(connection, reason) {
      void connection.destroy(reason)
    },
    async close() {
      closed = true
      await Promise.all(idle.splice(0).map((connection) => connection.destroy()))
    },
  }
}

function throughProxy({ tls, connectTimeoutMs }: ConnectionsOptions, proxyUrl: string): Connections {
  const agent = new ProxyAgent({
    ...noTimeouts,
    uri: proxyUrl,
    pipelining: 1,
    proxyTunnel: false,
    requestTls: { ...toUndici(tls), timeout: connectTimeoutMs },
    proxyTls: { timeout: connectTimeoutMs },
  })
  return {
    take: () => agent,
    giveBack: () => undefined,
    // The agent serves all calls: whoever cut its call off has aborted it there.
    discard: () => undefined,
    close: () => agent.destroy(),
  }
}

/** The whole call has one limit, kept by its caller. */
const noTimeouts = { headersTimeout: 0, bodyTimeout: 0 }

function toUndici(tls: TlsOptions): buildConnector.BuildOptions {
  const { ca, cert, key, passphrase, serverName, verify = true } = tls
  return {
    rejectUnauthorized: verify,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(passphrase !== undefined && { passphrase }),
    ...(serverName !== undefined && { servername: serverName }),
  }
}
