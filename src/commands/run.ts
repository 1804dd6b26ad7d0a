import { growHeapBy } from '../assembly/heap-growth.js'
import type { Command } from './command.js'

export const run: Command = {
  name: 'run',
  summary: 'the daemon: Kafka in, enriched documents out (the default)',
  drains: true,
  async run({ loadConfig, shutdown, cutOff, environment }) {
    const { config } = loadConfig()
    // Loaded late: an invalid configuration, and every other command, need none of the clients.
    const { runDaemon } = await import('../daemon.js')
    growHeapBy(config.pipeline)
    return runDaemon(config, { shutdown, cutOff, environment })
  },
}
