import { connect, type AddressInfo, type Socket } from 'node:net'
import { createServer } from 'node:tls'
import type { Identity } from './certificates.js'

export interface TlsFrontOptions {
  /** Of a plain server on loopback. */
  readonly port: number
  readonly identity: Identity
  /** Who does not show a certificate of this authority is turned away. */
  readonly clientCa?: string
}

export interface TlsFront {
  readonly port: number
  /** The common name of each client that came, empty for one without a certificate. */
  readonly clients: string[]
  close(): Promise<void>
}

/** TLS before a server that has none: what comes is decrypted and handed on. */
export async function startTlsFront({ port, identity, clientCa }: TlsFrontOptions): Promise<TlsFront> {
  const sockets = new Set<Socket>()
  const clients: string[] = []
  const demands = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }
  const server = createServer({ ...identity, ...demands }, (outside) => {
    const shown = outside.getPeerCertificate()
    clients.push('subject' in shown ? String(shown.subject.CN) : '')
    const inside = connect(port, '127.0.0.1')
    for (const socket of [outside, inside]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
    }
    outside.on('close', () => inside.destroy())
    inside.on('close', () => outside.destroy())
    outside.pipe(inside).pipe(outside)
  })
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    clients,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
