import { fileURLToPath } from 'node:url'
import { BenchProcess } from './bench-process.js'

const program = fileURLToPath(new URL('../programs/bulk-proxy.mjs', import.meta.url))

/** One bulk request, as it was seen between the daemon and Elasticsearch. */
export interface SeenBulk {
  readonly atMs: number
  readonly tookMs: number
  /** Of each document when its bulk was answered, since its Kafka timestamp. */
  readonly agesMs: readonly number[]
}

/** Elasticsearch with somebody who looks on. */
export class BulkProxy {
  readonly url: string
  readonly #process: BenchProcess

  private constructor(process: BenchProcess, port: string) {
    this.#process = process
    this.url = `http://127.0.0.1:${port}`
  }

  static async start(elasticsearch: string): Promise<BulkProxy> {
    const proxy = new BenchProcess({ command: process.execPath, args: [program, elasticsearch] })
    return new BulkProxy(proxy, await proxy.firstLine())
  }

  /** The bulks since the last time that this was asked. */
  async bulks(): Promise<SeenBulk[]> {
    return (await (await fetch(`${this.url}/bench/bulks`)).json()) as SeenBulk[]
  }

  async stop(): Promise<void> {
    await this.#process.stop()
  }
}
