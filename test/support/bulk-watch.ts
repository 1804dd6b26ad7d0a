import { setImmediate } from 'node:timers/promises'
import { startAnsweringProxy } from './answering-proxy.js'

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
  const inFlight = new Set<object>()
  let maxInFlight = 0
  const proxy = await startAnsweringProxy(elasticsearch)
  proxy.script(async (asked, forward) => {
    if (!asked.path.includes('_bulk')) return undefined
    sizes.push(documentsIn(asked.body))
    const bulk = { over: false }
    void asked.closed.then(() => {
      bulk.over = true
      inFlight.delete(asked)
    })
    // One that was given up before this one was sent may be seen to close after it, by two turns of the loop.
    await setImmediate()
    await setImmediate()
    if (!bulk.over) inFlight.add(asked)
    maxInFlight = Math.max(maxInFlight, inFlight.size)
    try {
      return await forward()
    } finally {
      inFlight.delete(asked)
    }
  })
  return {
    url: `http://127.0.0.1:${proxy.port}`,
    sizes,
    get maxInFlight() {
      return maxInFlight
    },
    close: () => proxy.close(),
  }
}

/** Two lines each: the action, and the document. */
function documentsIn(body: Buffer): number {
  let lines = 0
  for (const byte of body) if (byte === 10) lines++
  return lines / 2
}
