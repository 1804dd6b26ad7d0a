import { check } from './check.js'
import type { Command } from './command.js'
import { config } from './config.js'
import { nlpServer } from './nlp-server.js'
import { replay } from './replay.js'
import { run } from './run.js'
import { setup } from './setup.js'
import { tryRecord } from './try.js'

/** Every command, in the order of the help. The first is the default. */
export const commands: readonly [Command, ...Command[]] = [
  run,
  check,
  tryRecord,
  setup,
  replay,
  config,
  nlpServer,
]
