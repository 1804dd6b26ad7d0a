/**
 * Lines a second on Loghub's 12,000 lines, for docs/nlp-engine.md: in the thread itself, through the embedded engine with one
 * worker, and over HTTP with one worker. Run it on an otherwise idle machine.
 *
 *     node --import tsx test/nlp-engine/support/measure-throughput.ts
 */
import { readdirSync, readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { analyseText } from '../../../src/nlp-engine/analyse-text.js'
import { createEmbeddedEngine } from '../../../src/nlp-engine/embedded-engine.js'
import { NlpServer } from '../../../src/nlp-engine/nlp-server.js'

const folder = process.env['LOGHUB'] ?? '/work/shared/data/loghub'
const lines = readdirSync(folder)
  .filter((name) => name.endsWith('.log'))
  .flatMap((name) => readFileSync(join(folder, name), 'utf8').split(/\r?\n/))
  .filter((line) => line !== '')
const batchesOf = (size: number): string[][] =>
  Array.from({ length: Math.ceil(lines.length / size) }, (_, i) => lines.slice(i * size, (i + 1) * size))

/** Runs `send` over all batches with `concurrency` of them in flight, once to warm up and once to measure. */
async function measure(
  name: string,
  { batches, concurrency }: { batches: readonly string[][]; concurrency: number },
  send: (texts: string[]) => Promise<unknown>,
): Promise<void> {
  for (const round of ['warm-up', 'measured']) {
    const cpu = process.cpuUsage()
    const started = performance.now()
    const source = batches.values()
    const sender = async (): Promise<void> => {
      for (const batch of source) await send(batch)
    }
    await Promise.all(Array.from({ length: concurrency }, sender))
    const { user, system } = process.cpuUsage(cpu)
    const perSecond = Math.round((lines.length / (performance.now() - started)) * 1000)
    const cpuMicros = ((user + system) / lines.length).toFixed(0)
    if (round === 'measured')
      console.log(`${name}: ${perSecond} lines/s, ${cpuMicros} µs of CPU a line in all threads`)
  }
}

console.log(
  `${lines.length} lines, ${Math.round(lines.join('').length / lines.length)} characters on average`,
)
await measure('in the thread', { batches: batchesOf(1), concurrency: 1 }, async ([line]) =>
  analyseText(line!),
)

const embedded = createEmbeddedEngine({ workers: 1 })
await measure(
  'embedded, one text a call, 64 calls in flight',
  { batches: batchesOf(1), concurrency: 64 },
  (texts) => embedded.analyse(texts),
)
await measure(
  'embedded, 50 texts a call, 8 calls in flight',
  { batches: batchesOf(50), concurrency: 8 },
  (texts) => embedded.analyse(texts),
)
await embedded.close()

const server = new NlpServer({ engine: createEmbeddedEngine({ workers: 1 }), port: 0 })
const address = await server.start()
const agent = new Agent({ keepAlive: true, maxSockets: 64 })
const post = (body: unknown): Promise<void> =>
  new Promise((resolve, reject) => {
    const json = Buffer.from(JSON.stringify(body))
    const headers = { 'content-type': 'application/json', 'content-length': json.length }
    request(address, { method: 'POST', agent, headers }, (response) => {
      response.resume().once('end', () => {
        if (response.statusCode === 200) resolve()
        else reject(new Error(`answered ${response.statusCode ?? 0}`))
      })
    })
      .once('error', reject)
      .end(json)
  })
await measure(
  'HTTP, one text a request, 64 in flight',
  { batches: batchesOf(1), concurrency: 64 },
  ([text]) => post({ text }),
)
await measure('HTTP, 50 texts a request, 8 in flight', { batches: batchesOf(50), concurrency: 8 }, (texts) =>
  post({ texts }),
)
agent.destroy()
await server.stop()
