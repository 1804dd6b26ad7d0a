import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ISocketFactory } from 'kafkajs'

/** The longest that a broker takes for any request but the two below: a fetch waits for 200 ms, writes for replicas. */
const SILENCE_MS = 10_000
/** The longest that it takes for the first one, which asks for nothing but its versions. Work goes on so much later at most. */
const FIRST_SILENCE_MS = 3000
const KEEP_ALIVE_MS = 10_000
/** JoinGroup and SyncGroup wait for the other members, as long as the rebalance may take. */
const patient: ReadonlySet<number> = new Set([11, 14])
/** Behind the request's length. */
const API_KEY_AT = 4

export interface WatchedSocketOptions {
  /** Before anything has come over the connection, in ms; default 3,000. */
  readonly firstSilenceMs?: number
  /** Later, in ms; default 10,000. */
  readonly silenceMs?: number
}

/**
 * Connections that notice when nobody answers any more. kafkajs gives a request up after a while, and then sends the next one
 * over the same connection: after a fault of the network that nobody was told of, that goes on until the operating system gives
 * the connection up, which takes a quarter of an hour. A connection on which something was asked and nothing at all came
 * back for so long is therefore closed, by the event that kafkajs takes for a time-out.
 */
export function watchedSockets({
  firstSilenceMs = FIRST_SILENCE_MS,
  silenceMs = SILENCE_MS,
}: WatchedSocketOptions = {}): ISocketFactory {
  return ({ host, port, ssl, onConnect }) => {
    // kafkajs' type says that it is always there; without TLS it is null.
    const tls = ssl as typeof ssl | null | undefined
    const serverName = isIP(host) === 0 ? { servername: host } : {}
    const socket =
      tls === undefined || tls === null
        ? connect({ host, port }, onConnect)
        : connectTls({ host, port, ...serverName, ...tls }, onConnect)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    return watch(socket, { firstSilenceMs, silenceMs })
  }
}

function watch(socket: Socket, { firstSilenceMs, silenceMs }: Required<WatchedSocketOptions>): Socket {
  let timer: NodeJS.Timeout | undefined
  let allowedMs = firstSilenceMs
  const answered = () => {
    clearTimeout(timer)
    timer = undefined
    allowedMs = silenceMs
  }
  const giveUp = () => {
    socket.emit('timeout')
    socket.destroy()
  }
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean
  socket.write = (...args: unknown[]) => {
    if (!isPatient(args[0])) timer ??= setTimeout(giveUp, allowedMs)
    return write(...args)
  }
  socket.on('data', answered)
  socket.on('close', answered)
  return socket
}

function isPatient(request: unknown): boolean {
  if (!Buffer.isBuffer(request) || request.length < API_KEY_AT + 2) return false
  return patient.has(request.readInt16BE(API_KEY_AT))
}
