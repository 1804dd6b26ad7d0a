import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'

/** What is wrong with an address, as seen from here; `kafka`: nothing, Kafka answers there. */
export type BrokerVerdict =
  | 'kafka'
  | 'refused'
  | 'unknown-host'
  | 'no-connection'
  /** The connection is taken, and nothing said. */
  | 'silent'
  /** Something answers, and what it says is not Kafka's protocol. */
  | 'not-kafka'
  | 'http'
  /** It speaks TLS, and we do not. */
  | 'wants-tls'
  /** We speak TLS, and it does not. */
  | 'no-tls'
  | 'unknown-ca'
  | 'wrong-name'
  | 'certificate-expired'
  | 'wants-client-certificate'
  | 'tls-failed'

export interface BrokerProbe {
  readonly verdict: BrokerVerdict
  /** What the socket said, where it said something. */
  readonly detail: string
}

export interface ProbeOptions {
  /** Without it the probe speaks plain text. */
  readonly tls?: ConnectionOptions | undefined
  /** For the connection, and again for the answer. Default 3,000. */
  readonly timeoutMs?: number
}

/**
 * Asks one address for the versions of its requests, which Kafka answers before any login, and says why where it does not.
 * When TLS fails, or plain text does, the other one is tried: that is the difference between "wrong port" and "TLS against
 * plain". Never rejects.
 */
export async function probeBroker(address: string, options: ProbeOptions = {}): Promise<BrokerProbe> {
  const { tls, timeoutMs = 3000 } = options
  const probe = await ask(address, tls, { timeoutMs })
  const { verdict } = probe
  if (verdict !== 'not-kafka' && verdict !== 'silent' && verdict !== 'tls-failed') return probe
  if (tls === undefined) {
    const other = await ask(address, { rejectUnauthorized: false }, { timeoutMs })
    if (other.verdict === 'kafka' || other.verdict === 'wants-client-certificate')
      return { verdict: 'wants-tls', detail: '' }
  } else {
    const other = await ask(address, undefined, { timeoutMs })
    if (other.verdict === 'kafka') return { verdict: 'no-tls', detail: '' }
  }
  const web = await ask(address, undefined, { timeoutMs, request: httpRequest })
  return web.verdict === 'http' ? web : probe
}

const httpRequest = Buffer.from('HEAD / HTTP/1.0\r\n\r\n')

interface Asked {
  readonly timeoutMs: number
  /** Default: Kafka's ApiVersions. */
  readonly request?: Buffer
}

async function ask(
  address: string,
  tls: ConnectionOptions | undefined,
  { timeoutMs, request = apiVersionsRequest }: Asked,
): Promise<BrokerProbe> {
  let socket: Socket
  try {
    socket = open(address, tls)
  } catch (error) {
    return { verdict: 'tls-failed', detail: error instanceof Error ? error.message : String(error) }
  }
  try {
    return await new Promise<BrokerProbe>((resolve) => {
      const ready = tls === undefined ? 'connect' : 'secureConnect'
      converse(socket, { ready, request, timeoutMs, resolve })
    })
  } finally {
    socket.destroy()
  }
}

function open(address: string, tls: ConnectionOptions | undefined): Socket {
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '')
  const port = Number(address.slice(colon + 1))
  if (tls === undefined) return connectTcp({ host, port })
  const name = isIP(host) === 0 ? { servername: host } : {}
  return connectTls({ host, port, ...name, ...tls })
}

interface Conversation {
  readonly ready: 'connect' | 'secureConnect'
  readonly request: Buffer
  readonly timeoutMs: number
  readonly resolve: (probe: BrokerProbe) => void
}

function converse(socket: Socket, { ready, request, timeoutMs, resolve }: Conversation): void {
  let answered = Buffer.alloc(0)
  let asked = false
  socket.setTimeout(timeoutMs, () => {
    resolve({ verdict: asked ? 'silent' : 'no-connection', detail: `within ${timeoutMs} ms` })
  })
  socket.on(ready, () => {
    asked = true
    socket.write(request)
  })
  socket.on('data', (chunk) => {
    answered = Buffer.concat([answered, chunk])
    if (answered.length >= 8) resolve(judgeAnswer(answered))
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    resolve(judgeError(error, ready === 'secureConnect'))
  })
  socket.on('close', () => {
    const detail = 'it closed the connection'
    resolve(asked ? judgeAnswer(answered, detail) : { verdict: 'tls-failed', detail })
  })
}

const CORRELATION = 0x656e7263

/** Its length, then ApiVersions (18) of version 0, our correlation id, a client id. */
const apiVersionsRequest = ((): Buffer => {
  const client = Buffer.from('enrichd')
  const request = Buffer.alloc(14 + client.length)
  request.writeInt32BE(request.length - 4, 0)
  request.writeInt16BE(18, 4)
  request.writeInt16BE(0, 6)
  request.writeInt32BE(CORRELATION, 8)
  request.writeInt16BE(client.length, 12)
  client.copy(request, 14)
  return request
})()

function judgeAnswer(answer: Buffer, detail = ''): BrokerProbe {
  if (answer.length >= 8 && answer.readInt32BE(4) === CORRELATION) return { verdict: 'kafka', detail: '' }
  if (answer.subarray(0, 5).toString('latin1') === 'HTTP/') return { verdict: 'http', detail: '' }
  return { verdict: 'not-kafka', detail }
}

const byCode: Readonly<Record<string, BrokerVerdict>> = {
  ECONNREFUSED: 'refused',
  ENOTFOUND: 'unknown-host',
  EAI_AGAIN: 'unknown-host',
  ETIMEDOUT: 'no-connection',
  EHOSTUNREACH: 'no-connection',
  ENETUNREACH: 'no-connection',
  SELF_SIGNED_CERT_IN_CHAIN: 'unknown-ca',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'unknown-ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'unknown-ca',
  UNABLE_TO_GET_ISSUER_CERT: 'unknown-ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'unknown-ca',
  ERR_TLS_CERT_ALTNAME_INVALID: 'wrong-name',
  CERT_HAS_EXPIRED: 'certificate-expired',
  CERT_NOT_YET_VALID: 'certificate-expired',
}

function judgeError(error: NodeJS.ErrnoException, overTls: boolean): BrokerProbe {
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : undefined
  if (inner instanceof Error) return judgeError(inner, overTls)
  const { code = '', message } = error
  const known = byCode[code]
  if (known !== undefined) return { verdict: known, detail: message }
  // The broker's alert where it wants a certificate of ours and got none, or one that it does not trust.
  if (overTls && /alert (certificate|bad certificate|unknown ca|handshake failure)/i.test(message))
    return { verdict: 'wants-client-certificate', detail: message }
  return { verdict: overTls ? 'tls-failed' : 'not-kafka', detail: message }
}
