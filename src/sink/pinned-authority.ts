import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { connect, type ConnectionOptions, type DetailedPeerCertificate, type TLSSocket } from 'node:tls'

export interface PinnedAuthorityOptions {
  /** SHA-256 of the authority's certificate, in hexadecimal with or without colons. */
  readonly fingerprint: string
  readonly tls: Pick<ConnectionOptions, 'cert' | 'key' | 'passphrase' | 'servername'>
  /** For each handshake; there are two before the first connection. */
  readonly timeoutMs: number
}

interface Address {
  readonly hostname: string
  readonly port: string
}

/** Opens a connection, in the form that undici takes: `callback` is called once. */
export type Connector = (
  address: Address,
  callback: (...result: [error: null, socket: TLSSocket] | [error: Error, socket: null]) => void,
) => void

/**
 * Connects to servers whose certificate was signed by the authority with this fingerprint.
 *
 * The first handshake trusts nobody and sends nothing: it only looks for that authority among the certificates that are shown.
 * The connections proper trust it alone, and OpenSSL verifies the chain. (Comparing fingerprints in a chain that was not verified,
 * as the Elasticsearch client does, takes any server that shows a copy of the authority's certificate behind one of its own.)
 *
 * The server's name is verified only where `servername` says what it must be: the authority signs for this cluster and nobody else.
 */
export function pinnedAuthority(options: PinnedAuthorityOptions): Connector {
  const { tls, timeoutMs, fingerprint } = options
  const pinned = plain(fingerprint)
  let authority: string | undefined
  const open = async ({ hostname, port }: Address): Promise<TLSSocket> => {
    const servername = tls.servername ?? (isIP(hostname) === 0 ? hostname : undefined)
    const target: ConnectionOptions = {
      ...tls,
      ...(servername === undefined ? {} : { servername }),
      host: hostname,
      port: port === '' ? 443 : Number(port),
      ALPNProtocols: ['http/1.1'],
    }
    authority ??= await findAuthority(target, { pinned, timeoutMs })
    const names = tls.servername === undefined ? { checkServerIdentity: () => undefined } : {}
    return handshake(
      { ...target, ...names, ca: authority, allowPartialTrustChain: true, rejectUnauthorized: true },
      timeoutMs,
    )
  }
  return (address, callback) => {
    open(address).then(
      (socket) => {
        callback(null, socket)
      },
      (error: unknown) => {
        callback(error instanceof Error ? error : new Error(String(error)), null)
      },
    )
  }
}

async function findAuthority(
  target: ConnectionOptions,
  { pinned, timeoutMs }: { readonly pinned: string; readonly timeoutMs: number },
): Promise<string> {
  const socket = await handshake({ ...target, rejectUnauthorized: false }, timeoutMs)
  const shown = chainOf(socket)
  socket.destroy()
  const found = shown.find((certificate) => plain(certificate.fingerprint256) === pinned)
  if (found !== undefined) return new X509Certificate(found.raw).toString()
  const last = shown.at(-1)
  const seen = last === undefined ? 'none' : plain(last.fingerprint256)
  throw new Error(
    `the server shows no certificate with the fingerprint of elasticsearch.tls.fingerprint; that of its CA is ${seen}`,
  )
}

/** From the server's own to the last that it shows. */
function chainOf(socket: TLSSocket): DetailedPeerCertificate[] {
  const chain: DetailedPeerCertificate[] = []
  // A self-signed certificate is its own issuer.
  const known = new Set<string>()
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true)
  while (next !== undefined && 'raw' in next && !known.has(next.fingerprint256)) {
    known.add(next.fingerprint256)
    chain.push(next)
    next = issuerOf(next)
  }
  return chain
}

/** Node's types say that there always is one. */
function issuerOf({ issuerCertificate }: DetailedPeerCertificate): DetailedPeerCertificate | undefined {
  return issuerCertificate
}

/** @throws what the socket fails with; Error after `timeoutMs` of silence */
function handshake(options: ConnectionOptions, timeoutMs: number): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect(options)
    socket.setNoDelay(true).setKeepAlive(true, 60_000)
    const onTimeout = () => socket.destroy(new Error(`no TLS connection within ${timeoutMs} ms`))
    socket.setTimeout(timeoutMs, onTimeout)
    socket.once('error', reject)
    socket.once('secureConnect', () => {
      socket.setTimeout(0)
      socket.off('timeout', onTimeout).off('error', reject)
      resolve(socket)
    })
  })
}

const plain = (fingerprint: string): string => fingerprint.replaceAll(':', '').toLowerCase()
