import { Agent, createServer, request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An Elasticsearch behind a window: everything passes, and bulks are counted. */
export interface BulkWatch {
  readonly url: string
  /** Documents of each bulk, in order of arrival. */
  readonly sizes: readonly number[]
  readonly maxInFlight: number
  close(): Promise<void>
}

export async function startBulkWatch(elasticsearch: string): Promise<BulkWatch> {
  const sizes: number[] = []
  // The agent that Node shares closes an idle connection after 5 s, on a busy machine under the next request.
  const agent = new Agent({ keepAlive: true })
  let inFlight = 0
  let maxInFlight = 0
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const body = await readAll(incoming)
      const bulk = incoming.url?.includes('_bulk') === true
      let counts = bulk
      const over = () => {
        if (counts) inFlight--
        counts = false
      }
      if (bulk) {
        sizes.push(documentsIn(body))
        maxInFlight = Math.max(maxInFlight, ++inFlight)
      }
      // Answered, or given up by who asked.
      outgoing.on('close', over)
      const { method, headers } = incoming
      const passed = request(
        new URL(incoming.url ?? '/', elasticsearch),
        { ...(method === undefined ? {} : { method }), headers, agent },
        (answer) => {
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
          answer.on('end', over)
          answer.pipe(outgoing)
        },
      )
      passed.on('error', () => {
        over()
        outgoing.destroy()
      })
      passed.end(body)
    })()
  })
  // Longer than the daemon keeps one: a bulk that meets a connection just closed would count twice.
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    sizes,
    get maxInFlight() {
      return maxInFlight
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
        agent.destroy()
      }),
  }
}

/** Two lines each: the action, and the document. */
function documentsIn(body: Buffer): number {
  let lines = 0
  for (const byte of body) if (byte === 10) lines++
  return lines / 2
}

async function readAll(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
