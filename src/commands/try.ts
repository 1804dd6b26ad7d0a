import type { Readable } from 'node:stream'
import { maskInUse } from '../assembly/secrets-in-use.js'
import type { Config } from '../config/schema.js'
import { exitCodes, type Command, type CommandContext } from './command.js'
import type { Print } from './try/walk-through.js'
import { UsageError } from './usage-error.js'

/** What stdin may hold: as much as a line of a file. */
const MAX_BYTES = 16 * 1024 * 1024

export const tryRecord: Command = {
  name: 'try',
  summary: "one record's way, stage by stage, with its document and bulk action; writes nothing",
  positionals: '[RECORD]',
  async run(context) {
    const { config } = context.loadConfig()
    const value = await recordOf(context)
    // Loaded late: an invalid configuration needs none of the clients.
    const { assembleAnalyser } = await import('../assembly/assemble-nlp.js')
    const { silentTelemetry } = await import('../telemetry/silent-telemetry.js')
    const { walkThrough } = await import('./try/walk-through.js')
    const { environment } = context
    const analyser = await assembleAnalyser(config, { environment, telemetry: silentTelemetry })
    try {
      const done = await walkThrough(value, { config, analyser, print: printer(config, context) })
      return done ? exitCodes.ok : exitCodes.failed
    } finally {
      await analyser.close()
    }
  },
}

/** Prints a stage. What the service said may quote our credentials; the record and its document are as they are. */
function printer(config: Config, { stdout, environment }: CommandContext): Print {
  const mask = maskInUse(config, environment)
  return (stage, lines) => {
    const text = lines.map((line) => `  ${line}\n`).join('')
    stdout.write(`${stage}\n${stage === 'nlp' ? mask(text) : text}`)
  }
}

async function recordOf({ positionals, stdin }: CommandContext): Promise<Buffer> {
  const [argument, ...more] = positionals
  if (more.length > 0) throw new UsageError('try takes one record: put it in quotes')
  if (argument !== undefined) return Buffer.from(argument)
  if ('isTTY' in stdin && stdin.isTTY === true)
    throw new UsageError("try takes a record, as an argument or on stdin: enrichd try 'disk full on db-7'")
  return withoutLineEnd(await readAll(stdin))
}

async function readAll(stdin: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stdin as AsyncIterable<Buffer | string>) {
    const piece = Buffer.from(chunk)
    bytes += piece.length
    if (bytes > MAX_BYTES) throw new UsageError(`try takes one record of at most ${MAX_BYTES} bytes`)
    chunks.push(piece)
  }
  return Buffer.concat(chunks)
}

function withoutLineEnd(text: Buffer): Buffer {
  const end = text.at(-1) === 0x0a ? text.length - 1 : text.length
  return text.subarray(0, end > 0 && text[end - 1] === 0x0d ? end - 1 : end)
}
