import { extname } from 'node:path'
import { staySmall } from '../assembly/heap-growth.js'
import type { Config } from '../config/schema.js'
import type { Command } from './command.js'
import { runOnThread } from './run/run-on-thread.js'

export const run: Command = {
  name: 'run',
  summary: 'the daemon: Kafka in, enriched documents out (the default)',
  drains: true,
  async run({ loadConfig, shutdown, cutOff, environment }) {
    const { config } = loadConfig()
    const surroundings = { shutdown, cutOff, environment }
    if (isCompiled && !usesStandardStreams(config)) return runOnThread(config, surroundings)
    staySmall()
    // Loaded late: an invalid configuration, and every other command, need none of the clients.
    const { runDaemon } = await import('../daemon.js')
    return runDaemon(config, surroundings)
  },
}

/** The loader that runs the sources works on the main thread only. */
const isCompiled = extname(import.meta.url) === '.js'

/** Those of another thread go through the main thread, chunk by chunk. The log does not: it is written to its descriptor. */
function usesStandardStreams({ source, sink }: Config): boolean {
  return source.type === 'stdin' || sink.type === 'stdout'
}
