import { setTimeout as pause } from 'node:timers/promises'
import { assembleKafka } from '../../assembly/assemble-kafka.js'
import { assembleLine, telemetryOf, type Line } from '../../assembly/assemble.js'
import type { Config } from '../../config/schema.js'
import { flow } from '../../daemon.js'
import type { LetterLog } from '../../dead-letter/letter-log.js'
import { Committer } from '../../delivery/committer.js'
import { EnrichdError } from '../../errors.js'
import type { KafkaClient } from '../../kafka/kafka-client.js'
import { Lifecycle } from '../../lifecycle.js'
import { systemClock } from '../../pipeline/clock.js'
import { unlessAborted } from '../../pipeline/unless-aborted.js'
import type { TelemetryHandle } from '../../telemetry/create-telemetry.js'
import { exitCodes, type CommandContext } from '../command.js'
import { openLetterLog } from './open-letter-log.js'
import { ReplaySource } from './replay-source.js'
import { countSelected, countsInWords, outcomeInWords } from './replay-words.js'
import { settleReplay, type ReplayOutcome } from './settle-replay.js'
import type { Selection } from './selection.js'

/** How often it is noted what was brought back, and how soon that is tried again. */
const TRACE_INTERVAL_MS = 500

/**
 * Brings the selected dead letters back through the pipeline, as the records that they were: the same ids, so the same
 * documents. Ends by itself; what is rejected again is written behind the end that was seen at the start.
 *
 * @returns 0 done, or interrupted and drained; 1 could not go on; 75 cut off
 */
export async function runReplay(
  config: Config,
  selection: Selection,
  context: CommandContext,
): Promise<number> {
  const handle = telemetryOf(config, 'stderr', context.environment)
  const lifecycle = new Lifecycle({ gracefulTimeoutMs: config.pipeline.gracefulTimeoutMs })
  const { telemetry } = handle
  const { shutdown } = context
  const opening = () => openLetterLog(config, { topics: selection.topics, handle })
  const { log, original } = await unlessAborted(opening, shutdown)
  const source = new ReplaySource({
    log,
    selection,
    original,
    maxBufferedBytes: config.pipeline.maxBufferedBytes,
    draining: lifecycle.draining,
    telemetry,
  })
  // Documents may go to the standard output.
  const out = config.sink.type === 'stdout' ? context.stderr : context.stdout
  try {
    await unlessAborted(() => source.open(), shutdown)
    if (selection.dryRun) {
      await unlessAborted(() => source.count(), shutdown)
      out.write(countsInWords(source.counts, selection))
      return exitCodes.ok
    }
    handle.start()
    telemetry.notice('replay.starting', `dead letters of ${log.name} are brought back: ${selection.words}`, {
      from: log.name,
      selection: selection.words,
    })
    const replay = await assembleReplay(config, { source, log, lifecycle, handle, context })
    const code = await replay.run()
    out.write(countsInWords(source.counts, selection) + outcomeInWords(replay.outcome))
    if (!source.complete) out.write('interrupted: what was not read comes with the next run\n')
    return code
  } finally {
    await log.close()
    await handle.close()
  }
}

interface Surroundings {
  readonly source: ReplaySource
  readonly log: LetterLog
  readonly lifecycle: Lifecycle
  readonly handle: TelemetryHandle
  readonly context: CommandContext
}

async function assembleReplay(config: Config, around: Surroundings) {
  const { source, log, lifecycle, handle, context } = around
  const { telemetry } = handle
  let client: KafkaClient | undefined
  const kafka = () => (client ??= assembleKafka(config, handle))
  const { environment } = context
  const line = await assembleLine(config, { environment, lifecycle, telemetry, kafka, source })
  const outcome: ReplayOutcome = { indexed: 0, rejectedAgain: 0, dropped: 0, released: 0 }
  const committer = new Committer({
    intervalMs: TRACE_INTERVAL_MS,
    collect: () => source.unsaved(),
    commit: (pending) => log.saveTrace(pending),
    committed: (pending) => {
      source.saved(pending)
    },
    failed: (error) => {
      telemetry.commitFailed(toEnrichdError(error))
    },
    clock: systemClock,
  })
  const touch = (): void => {
    committer.touch()
  }
  const finish = settleReplay({ source, deadLetters: line.deadLetters, telemetry, outcome, touch })
  const run = async (): Promise<number> => {
    const settled = flow(source, config, line).settle(finish, { concurrency: config.pipeline.bufferSize })
    return drain({ settled, committer, line, outcome }, around)
  }
  return { run, outcome }
}

interface Running {
  readonly settled: Promise<void>
  readonly committer: Committer
  readonly line: Line
  readonly outcome: ReplayOutcome
}

async function drain({ settled, committer, line, outcome }: Running, around: Surroundings): Promise<number> {
  const { lifecycle, handle, context, source } = around
  let failure: unknown
  lifecycle.onDrain('what is in flight', () => settled.catch(() => undefined))
  lifecycle.onDrain('the trace', async (cutOff) => {
    while (!(await committer.flush()) && !cutOff.aborted) await pause(TRACE_INTERVAL_MS)
    committer.stop()
  })
  lifecycle.onDrain('closing connections', () => line.close())
  lifecycle.running()
  whenAborted(context.shutdown, () => void lifecycle.shutdown('asked to stop'))
  whenAborted(context.cutOff, () => void lifecycle.cutOffNow('asked to stop a second time'))
  await settled.catch((error: unknown) => {
    failure = error
  })
  const { cutOff, error } = await lifecycle.shutdown('all dead letters were read')
  const { read, lost } = source.counts
  const counts = { read, selected: countSelected(source.counts), lost, ...outcome }
  handle.telemetry.notice('replay.finished', outcomeInWords(outcome).trim(), counts)
  if (cutOff) return exitCodes.cutOff
  if (failure !== undefined) throw failure instanceof Error ? failure : new Error('the replay failed')
  return error === undefined ? exitCodes.ok : exitCodes.failed
}

function whenAborted(signal: AbortSignal, then: () => void): void {
  if (signal.aborted) then()
  else signal.addEventListener('abort', then, { once: true })
}

function toEnrichdError(error: unknown): EnrichdError {
  if (error instanceof EnrichdError) return error
  return new EnrichdError('INTERNAL', 'what was brought back could not be noted', {
    kind: 'outage',
    cause: error,
  })
}
