#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { exitCodes } from './commands/command.js'
import { explainCrash } from './commands/explain.js'

/** A terminal that is closed hangs up. */
const signalNames = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** The first signal asks for a drain, the second cuts it off, and from the third on the system's default takes over. */
function listenToSignals(): { shutdown: AbortSignal; cutOff: AbortSignal } {
  const shutdown = new AbortController()
  const cutOff = new AbortController()
  const onSignal = (signal: NodeJS.Signals): void => {
    if (!shutdown.signal.aborted) {
      shutdown.abort(new Error(`received ${signal}`))
      return
    }
    cutOff.abort(new Error(`received a second signal, ${signal}`))
    for (const name of signalNames) process.off(name, onSignal)
  }
  for (const name of signalNames) process.on(name, onSignal)
  return { shutdown: shutdown.signal, cutOff: cutOff.signal }
}

/** A reader that has gone away (`| head`) ends the output quietly; whoever listens for errors itself depends on it, and hears of all. */
function tolerateClosedPipe(stream: Writable): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    failed.add(stream)
    if (error.code !== 'EPIPE' && stream.listenerCount('error') === 1) crash(error)
  })
}

/** Nothing more is written to these: standard output takes itself for usable again after an error. */
const failed = new Set<Writable>()

function crash(error: unknown): never {
  process.stderr.write(explainCrash(error))
  process.exit(exitCodes.failed)
}

/** How long the last lines may take to a reader that is there and does not read. */
const FLUSH_MS = 1000

function flushed(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, FLUSH_MS)
    if (failed.has(stream)) resolve()
    else
      stream.write('', () => {
        resolve()
      })
  })
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

process.on('uncaughtException', crash)
tolerateClosedPipe(process.stdout)
tolerateClosedPipe(process.stderr)

const signals = listenToSignals()
// Loaded after that, which takes longer than everything before: a signal that comes meanwhile is a drain like any other.
const [{ commands }, { execute }] = await Promise.all([
  import('./commands/commands.js'),
  import('./commands/execute.js'),
])
const code = await execute({
  args: process.argv.slice(2),
  commands,
  version: version(),
  environment: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  ...signals,
})
await Promise.all([flushed(process.stdout), flushed(process.stderr)])
process.exit(code)
