import { collectSooner } from '../assembly/heap-growth.js'
import type { Command } from './command.js'

export const run: Command = {
  name: 'run',
  summary: 'the daemon: Kafka in, enriched documents out (the default)',
  drains: true,
  async run({ loadConfig, shutdown, cutOff, environment }) {
    const { config } = loadConfig()
    collectSooner()
    // Loaded late: an invalid configuration, and every other command, need none of the clients.
    const { runDaemon } = await import('../daemon.js')
    return runDaemon(config, { shutdown, cutOff, environment })
  },
}
