import { connect } from 'node:net'

const metadataKey = 3
const metadataVersion = 1

/**
 * Asks a broker, by one Metadata request of the real protocol, how many live brokers it knows.
 *
 * @param {number} port of a plaintext listener on loopback
 * @param {number} [timeoutMs]
 * @returns {Promise<number>} rejects while the broker does not answer
 */
export function countBrokers(port, timeoutMs = 2000) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: timeoutMs })
    const received = []
    socket.once('connect', () => socket.write(metadataRequest()))
    socket.once('timeout', () =>
      socket.destroy(new Error(`port ${port} does not answer within ${timeoutMs} ms`)),
    )
    socket.once('error', reject)
    socket.once('close', () => reject(new Error(`port ${port} closed the connection`)))
    socket.on('data', (chunk) => {
      received.push(chunk)
      const brokers = brokersIn(Buffer.concat(received))
      if (brokers === undefined) return
      resolve(brokers)
      socket.destroy()
    })
  })
}

function metadataRequest() {
  const clientId = Buffer.from('stack')
  const request = Buffer.alloc(4 + 2 + 2 + 4 + 2 + clientId.length + 4)
  let at = request.writeInt32BE(request.length - 4, 0)
  at = request.writeInt16BE(metadataKey, at)
  at = request.writeInt16BE(metadataVersion, at)
  at = request.writeInt32BE(1, at)
  at = request.writeInt16BE(clientId.length, at)
  at += clientId.copy(request, at)
  request.writeInt32BE(0, at) // an empty list of topics: none
  return request
}

/** The answer: its length, the correlation id, and then the list of brokers, which begins with its length. */
function brokersIn(answer) {
  if (answer.length < 12) return undefined
  return answer.readInt32BE(8)
}
