import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** What a {@link FaultProxy} does with connections, old and new. */
export type Fault =
  | { readonly kind: 'pass' }
  /** Nobody listens; what was connected is reset. */
  | { readonly kind: 'refuse' }
  /** A connection is reset once this many bytes of answers went by since the fault began. */
  | { readonly kind: 'reset'; readonly afterBytes: number }
  /** Every piece of data waits this long, in both directions. */
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'throttle'; readonly bytesPerSecond: number }
  /** Data is swallowed; a connection that lost some stays silent for good, as after a fault of the network. */
  | { readonly kind: 'black-hole' }
  /** Data is held and delivered once the fault is over. */
  | { readonly kind: 'freeze' }

export interface FaultProxyOptions {
  readonly target: { readonly host?: string; readonly port: number }
}

/** Below what systems hand out for outgoing connections, so that the port is still free after a `refuse`. */
const lowestPort = 12_000
const highestPort = 19_999
const throttleSliceMs = 50

/**
 * A TCP proxy that misbehaves as it is told, and can be told otherwise at any time. It listens on a loopback port of its
 * own, which stays the same. Starts with `pass`; `close()` resets every connection.
 *
 * @example
 * const proxy = await FaultProxy.start({ target: { port: 9092 } })
 * await proxy.set({ kind: 'refuse' })
 */
export class FaultProxy {
  readonly port: number
  #target: { readonly host: string; readonly port: number }
  readonly #connections = new Set<Connection>()
  #server: Server
  #fault: Fault = { kind: 'pass' }
  #changed: (() => void)[] = []
  /** Connections taken since the start. */
  accepted = 0

  private constructor(server: Server, port: number, { target }: FaultProxyOptions) {
    this.#server = server
    this.port = port
    this.#target = { host: '127.0.0.1', ...target }
    this.#serve(server)
  }

  static async start(options: FaultProxyOptions): Promise<FaultProxy> {
    for (let tries = 0; ; tries++) {
      const port = lowestPort + Math.floor(Math.random() * (highestPort - lowestPort))
      try {
        return new FaultProxy(await listen(port), port, options)
      } catch (error) {
        if (tries > 100) throw error
      }
    }
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  get fault(): Fault {
    return this.#fault
  }

  get connections(): number {
    return this.#connections.size
  }

  /** From now on this, for old and new connections alike. Resolves once it listens, or does not. */
  async set(fault: Fault): Promise<void> {
    this.#fault = fault
    for (const connection of this.#connections) connection.answeredBytes = 0
    for (const wake of this.#changed.splice(0)) wake()
    if (fault.kind === 'refuse') await this.#stopListening()
    else if (!this.#server.listening) this.#serve((this.#server = await listenAgain(this.port)))
  }

  /** Connections from now on go to another port. */
  retarget(port: number): void {
    this.#target = { ...this.#target, port }
  }

  /** Resets every connection there is; new ones are welcome. */
  cut(): void {
    for (const connection of this.#connections) connection.reset()
  }

  async close(): Promise<void> {
    this.#fault = { kind: 'refuse' }
    for (const wake of this.#changed.splice(0)) wake()
    await this.#stopListening()
  }

  async #stopListening(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.cut()
    await closed
  }

  #serve(server: Server): void {
    server.on('connection', (client) => {
      this.accepted++
      const connection = new Connection(client, connect({ ...this.#target, allowHalfOpen: true }), {
        fault: () => this.#fault,
        change: () => new Promise((resolve) => this.#changed.push(resolve)),
      })
      this.#connections.add(connection)
      void connection.ended.then(() => this.#connections.delete(connection))
    })
  }
}

interface Orders {
  readonly fault: () => Fault
  /** Resolves with the next change of the fault. */
  readonly change: () => Promise<void>
}

class Connection {
  readonly #client: Socket
  readonly #orders: Orders
  readonly ended: Promise<void>
  /** Since the present fault began. */
  answeredBytes = 0
  #silent = false

  constructor(client: Socket, upstream: Socket, orders: Orders) {
    this.#client = client
    this.#orders = orders
    for (const socket of [client, upstream]) socket.setNoDelay(true)
    this.#carry(client, upstream, false)
    this.#carry(upstream, client, true)
    this.ended = new Promise((resolve) => {
      client.once('close', () => {
        upstream.destroy()
        resolve()
      })
    })
    upstream.once('error', () => {
      if (!this.#silent) this.reset()
    })
    client.on('error', () => undefined)
  }

  reset(): void {
    // A socket that was ended cannot be reset any more: Node would never close it.
    if (this.#client.writableEnded) this.#client.destroy()
    else this.#client.resetAndDestroy()
  }

  #carry(from: Socket, to: Socket, isAnswer: boolean): void {
    let passed = Promise.resolve()
    from.on('data', (data: Buffer) => {
      from.pause()
      passed = this.#pass(data, to, isAnswer).then(() => void from.resume())
    })
    from.once('end', () => {
      void passed.then(() => {
        if (!this.#silent) to.end()
      })
    })
  }

  async #pass(data: Buffer, to: Socket, isAnswer: boolean): Promise<void> {
    while (this.#orders.fault().kind === 'freeze') await this.#orders.change()
    const fault = this.#orders.fault()
    if (fault.kind === 'black-hole') this.#silent = true
    if (this.#silent) return
    if (fault.kind === 'delay') await pause(fault.ms)
    if (fault.kind === 'throttle') return this.#trickle(data, to, fault.bytesPerSecond)
    if (fault.kind === 'reset' && isAnswer) return this.#cutShort(data, to, fault.afterBytes)
    await write(to, data)
  }

  async #trickle(data: Buffer, to: Socket, bytesPerSecond: number): Promise<void> {
    const slice = Math.max(1, Math.floor((bytesPerSecond * throttleSliceMs) / 1000))
    for (let at = 0; at < data.length && !to.destroyed; at += slice) {
      await write(to, data.subarray(at, at + slice))
      await pause(throttleSliceMs)
    }
  }

  async #cutShort(data: Buffer, to: Socket, afterBytes: number): Promise<void> {
    const left = Math.max(0, afterBytes - this.answeredBytes)
    this.answeredBytes += data.length
    await write(to, data.subarray(0, left))
    if (this.answeredBytes >= afterBytes) this.reset()
  }
}

function write(to: Socket, data: Buffer): Promise<void> {
  if (to.destroyed || data.length === 0) return Promise.resolve()
  return new Promise((resolve) => {
    to.once('close', resolve)
    to.write(data, () => {
      to.off('close', resolve)
      resolve()
    })
  })
}

function listen(port: number): Promise<Server> {
  const server = createServer({ allowHalfOpen: true })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      resolve(server)
    })
  })
}

/** The port was ours a moment ago; the system may need another to let go of it. */
async function listenAgain(port: number): Promise<Server> {
  for (let tries = 0; ; tries++) {
    try {
      return await listen(port)
    } catch (error) {
      if (tries > 50) throw error
      await pause(20)
    }
  }
}
