import assert from 'node:assert/strict'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { watchedSockets } from '../../src/kafka/watched-socket.js'

const fetchRequest = Buffer.from([0, 0, 0, 2, 0, 1])
const joinRequest = Buffer.from([0, 0, 0, 2, 0, 11])
const silenceMs = 100
const firstSilenceMs = 20

describe('a connection to a broker', () => {
  let server: Server
  let answers = true
  const taken = new Set<Socket>()

  before(async () => {
    server = createServer((socket) => {
      taken.add(socket)
      socket.on('error', () => undefined)
      socket.on('data', () => answers && socket.write('answer'))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  after(async () => {
    for (const socket of taken) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })

  /** Whether it times out within four times the silence that is allowed. */
  async function timesOut(ask: (socket: Socket) => void, forMs = silenceMs): Promise<boolean> {
    const { port } = server.address() as AddressInfo
    const open = watchedSockets({ silenceMs, firstSilenceMs })
    const socket = await new Promise<Socket>((resolve) => {
      const made = open({ host: '127.0.0.1', port, ssl: null as never, onConnect: () => resolve(made) })
    })
    ask(socket)
    const late = new Promise<boolean>((resolve) => setTimeout(resolve, 4 * forMs, false))
    const timeout = new Promise<boolean>((resolve) => socket.once('timeout', () => resolve(true)))
    const result = await Promise.race([late, timeout])
    socket.destroy()
    return result
  }

  it('that is silent after a request is given up', async () => {
    answers = false
    assert.equal(await timesOut((socket) => socket.write(fetchRequest)), true)
  })

  it('that has never answered is given up sooner than one that has', async () => {
    answers = false
    assert.equal(await timesOut((socket) => socket.write(fetchRequest), firstSilenceMs), true)
    answers = true
    const askAgain = (socket: Socket) => {
      socket.once('data', () => {
        answers = false
        socket.write(fetchRequest)
      })
      socket.write(fetchRequest)
    }
    assert.equal(await timesOut(askAgain, silenceMs / 5), false)
    answers = true
    assert.equal(await timesOut(askAgain), true)
  })

  it('that answers is kept, also when nothing is asked any more', async () => {
    answers = true
    assert.equal(await timesOut((socket) => socket.write(fetchRequest)), false)
  })

  it('on which nothing was asked is kept', async () => {
    answers = false
    assert.equal(await timesOut(() => undefined), false)
  })

  it('that waits for the other members of a group is kept', async () => {
    answers = false
    assert.equal(await timesOut((socket) => socket.write(joinRequest)), false)
  })
})
