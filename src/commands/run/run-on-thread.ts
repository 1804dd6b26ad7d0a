import { Worker } from 'node:worker_threads'
import { youngLimit } from '../../assembly/heap-growth.js'
import type { Config } from '../../config/schema.js'
import type { DaemonSurroundings } from '../../daemon.js'
import { onAbort } from '../../pipeline/on-abort.js'
import { exitCodes } from '../command.js'

/** What the thread is given. */
export interface ThreadStart {
  readonly config: Config
  readonly environment: DaemonSurroundings['environment']
}

/** What the thread is told: the signals, which only the main thread hears. */
export interface ThreadSignal {
  readonly signal: 'shutdown' | 'cutOff'
  readonly reason: string
}

/**
 * Runs the daemon on a thread of its own, the only one that works: V8 sizes the young generation of a thread when it
 * starts, and that of the main thread only by a flag of Node. 10 to 15 % less CPU a record with C = 256 (interleaved, 150,000
 * records), at the same peak of memory. The main thread hears the signals and hands them on.
 *
 * What nobody catches on the thread ends it, and is an uncaught exception of the main thread.
 *
 * @returns the exit code
 */
export function runOnThread(
  config: Config,
  { shutdown, cutOff, environment }: DaemonSurroundings,
): Promise<number> {
  const workerData: ThreadStart = { config, environment }
  const thread = new Worker(new URL('./daemon-thread.js', import.meta.url), {
    workerData,
    resourceLimits: youngLimit(config.pipeline.maxBufferedBytes),
  })
  handOn('shutdown', shutdown, thread)
  handOn('cutOff', cutOff, thread)
  thread.once('error', (error) => {
    throw error
  })
  return new Promise((resolve) =>
    thread.once('exit', (code) => {
      resolve(code === unsettledAwait ? failedToStart() : code)
    }),
  )
}

/** Node's code for a module that waits for what nothing is left to bring. */
const unsettledAwait = 13

function failedToStart(): number {
  process.stderr.write(
    'enrichd: the start waits for something that never comes, perhaps in the nlp.protocol module\n',
  )
  return exitCodes.failed
}

function handOn(signal: ThreadSignal['signal'], from: AbortSignal, thread: Worker): void {
  onAbort(from, (reason) => {
    const message: ThreadSignal = { signal, reason }
    thread.postMessage(message)
  })
}
