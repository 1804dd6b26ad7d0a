import { parentPort, workerData } from 'node:worker_threads'
import { staySmall } from '../../assembly/heap-growth.js'
import { standardOutput } from '../../telemetry/log-output.js'
import { exitCodeOf, explain } from '../explain.js'
import type { ThreadSignal, ThreadStart } from './run-on-thread.js'

/** The thread that `runOnThread` starts: the daemon, from its start to its exit code, which is the thread's. */

const flushMs = 1000

/** Straight to the descriptor, and until it is there: what this thread leaves to others may be lost when it ends. */
async function tell(text: string): Promise<void> {
  const output = standardOutput('stderr')
  output.write(text)
  await output.flush(flushMs)
}

async function run({ config, environment }: ThreadStart): Promise<number> {
  const controllers = { shutdown: new AbortController(), cutOff: new AbortController() }
  parentPort?.on('message', ({ signal, reason }: ThreadSignal) => {
    controllers[signal].abort(new Error(reason))
  })
  // To wait for a signal is nothing to live for: a start that waits for nothing else would never end.
  parentPort?.unref()
  const { shutdown, cutOff } = controllers
  try {
    staySmall()
    const { runDaemon } = await import('../../daemon.js')
    return await runDaemon(config, { environment, shutdown: shutdown.signal, cutOff: cutOff.signal })
  } catch (error) {
    await tell(`${explain(error)}\n`)
    return exitCodeOf(error)
  }
}

// On a thread this ends the thread: the process is `main.ts`' to end.
process.exit(await run(workerData as ThreadStart))
