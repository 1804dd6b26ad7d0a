import { createServer } from 'node:net'

// Below what systems hand out for outgoing connections, so that a stopped server finds its port free again.
const lowest = 20_000
const highest = 32_000

/**
 * @param {number} count
 * @param {ReadonlySet<number>} reserved ports of other stacks, running or not
 * @returns {Promise<number[]>} different ports, free on loopback now
 */
export async function choosePorts(count, reserved) {
  const chosen = new Set()
  for (let tries = 0; chosen.size < count; tries++) {
    if (tries > 1000) throw new Error(`No ${count} free ports between ${lowest} and ${highest}.`)
    const port = lowest + Math.floor(Math.random() * (highest - lowest))
    if (!reserved.has(port) && !chosen.has(port) && (await isFree(port))) chosen.add(port)
  }
  return [...chosen]
}

/** @param {number} port @returns {Promise<boolean>} */
export function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
