import type { NlpServer } from '../nlp-engine/nlp-server.js'
import { aborted } from '../pipeline/aborted.js'
import { exitCodes, type Command, type OptionValues } from './command.js'
import { UsageError } from './usage-error.js'

export const nlpServer: Command = {
  name: 'nlp-server',
  summary: 'the reference NLP service: entities and severities of log lines over HTTP, on worker threads',
  drains: true,
  options: {
    host: { type: 'string', placeholder: 'ADDRESS', doc: 'listens there; default 127.0.0.1' },
    port: { type: 'string', placeholder: 'PORT', doc: 'default 8080; 0 takes a free one' },
    workers: { type: 'string', placeholder: 'COUNT', doc: 'worker threads; default one less than the cores' },
    queue: {
      type: 'string',
      placeholder: 'TEXTS',
      doc: 'texts that may wait; more are answered 429; default 1000',
    },
    'max-text-bytes': { type: 'string', placeholder: 'BYTES', doc: 'longer texts are 413; default 65536' },
    'time-limit-ms': {
      type: 'string',
      placeholder: 'MS',
      doc: 'a text that takes longer, twice, is 422; default 2000',
    },
    people: { type: 'boolean', doc: 'finds people, places, organisations too, at a tenth of the speed' },
  },
  async run({ options, stdout, shutdown, cutOff, checkGiven }) {
    checkGiven()
    const service = await createService(options)
    const stopped = aborted(shutdown).then(() => service.stop())
    try {
      stdout.write(`NLP service listening on ${await service.start()}\n`)
    } catch (error) {
      await service.stop()
      if (shutdown.aborted) return exitCodes.ok
      throw error
    }
    const outcome = await Promise.race([stopped, aborted(cutOff).then(() => 'cut-off')])
    const drained = outcome === 'drained'
    stdout.write(drained ? 'NLP service stopped\n' : 'NLP service stopped with requests under way\n')
    return drained ? exitCodes.ok : exitCodes.cutOff
  },
}

async function createService(options: OptionValues): Promise<NlpServer> {
  const engineOptions = {
    workers: integer(options, 'workers', [1, 256]),
    maxQueuedTexts: integer(options, 'queue', [1, 1_000_000]),
    timeLimitMs: integer(options, 'time-limit-ms', [10, 600_000]),
    people: options['people'] === true,
  }
  const serverOptions = {
    host: typeof options['host'] === 'string' ? options['host'] : undefined,
    port: integer(options, 'port', [0, 65_535]),
    maxTextBytes: integer(options, 'max-text-bytes', [1, 16 * 1024 * 1024]),
  }
  // Loaded late: no other command needs the engine and its pool.
  const { createEmbeddedEngine } = await import('../nlp-engine/embedded-engine.js')
  const { NlpServer } = await import('../nlp-engine/nlp-server.js')
  return new NlpServer({ engine: createEmbeddedEngine(engineOptions), ...serverOptions })
}

function integer(
  options: OptionValues,
  name: string,
  [min, max]: readonly [number, number],
): number | undefined {
  const text = options[name]
  if (typeof text !== 'string') return undefined
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= min && value <= max) return value
  throw new UsageError(`--${name} must be an integer from ${min} to ${max}`)
}
