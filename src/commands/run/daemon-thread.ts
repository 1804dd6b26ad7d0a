import { parentPort, workerData } from 'node:worker_threads'
import { collectSooner } from '../../assembly/heap-growth.js'
import { standardOutput } from '../../telemetry/log-output.js'
import { exitCodes } from '../command.js'
import { exitCodeOf, explain, explainCrash } from '../explain.js'
import { muteNegativeTimers } from './mute-negative-timers.js'
import type { ThreadSignal, ThreadStart } from './run-on-thread.js'

/** The thread that `runOnThread` starts: the daemon, from its start to its exit code, which is the thread's. */

/** Straight to the descriptor: what goes through the main thread may be lost when this one ends. */
function tell(text: string): void {
  standardOutput('stderr').write(text)
}

async function run({ config, environment }: ThreadStart): Promise<number> {
  const controllers = { shutdown: new AbortController(), cutOff: new AbortController() }
  parentPort?.on('message', ({ signal, reason }: ThreadSignal) => {
    controllers[signal].abort(new Error(reason))
  })
  const { shutdown, cutOff } = controllers
  try {
    collectSooner()
    const { runDaemon } = await import('../../daemon.js')
    return await runDaemon(config, { environment, shutdown: shutdown.signal, cutOff: cutOff.signal })
  } catch (error) {
    tell(`${explain(error)}\n`)
    return exitCodeOf(error)
  }
}

process.on('uncaughtException', (error) => {
  tell(explainCrash(error))
  process.exit(exitCodes.failed)
})
muteNegativeTimers()
process.exit(await run(workerData as ThreadStart))
