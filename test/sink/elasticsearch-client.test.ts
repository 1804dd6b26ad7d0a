import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { test } from 'node:test'
import { elasticsearchClient } from '../../src/sink/elasticsearch-client.js'

test('an idle connection is let go of', async (t) => {
  const server = createServer((_, response) => {
    response.setHeader('x-elastic-product', 'Elasticsearch').setHeader('content-type', 'application/json')
    response.end('{}')
  })
  // Never closes one itself, nor says when it would.
  server.keepAliveTimeout = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = elasticsearchClient({
    nodes: [`http://127.0.0.1:${port}`],
    requestTimeoutMs: 5000,
    compression: false,
    maxConnections: 1,
    keepAliveMs: 100,
  })
  t.after(async () => {
    await client.close()
    server.closeAllConnections()
    server.close()
  })
  const connected = once(server, 'connection') as Promise<[Socket]>
  await client.info()
  const [socket] = await connected
  assert.equal(socket.destroyed, false)
  await once(socket, 'close', { signal: AbortSignal.timeout(5000) })
})
