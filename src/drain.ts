import { startAdminServer, type AdminServer } from './admin/admin-server.js'
import type { Parts } from './assembly/assemble.js'
import { EnrichdError } from './errors.js'
import type { DrainOutcome } from './lifecycle.js'
import { aborted } from './pipeline/aborted.js'
import { onAbort } from './pipeline/on-abort.js'
import { sleep } from './pipeline/sleep.js'

export interface DaemonSignals {
  /** Aborted by the first SIGTERM, SIGINT or SIGHUP: drain. */
  readonly shutdown: AbortSignal
  /** Aborted by the second one: cut off what is still in flight. */
  readonly cutOff: AbortSignal
}

const exitCodes = { drained: 0, failed: 1, cutOff: 75 } as const
/** How long leaving the group may take. */
const LEAVE_MS = 500
const COMMIT_RETRY_MS = 100
/** A consumer that shows no sign of life for so long is stuck; one that waits for Kafka shows one every few seconds. */
const STUCK_AFTER_MS = 60_000

/**
 * Runs the flow until it ends, a signal asks for the drain, or something cannot go on; then drains.
 *
 * The drain, in this order: nothing more is read, no call begins; calls in flight finish and their records are indexed; what
 * is settled is committed; the group is left; connections are closed.
 *
 * @param settled resolves when the flow has ended
 * @returns the exit code
 */
export async function drainWith(
  parts: Parts,
  settled: Promise<void>,
  signals: DaemonSignals,
): Promise<number> {
  const { lifecycle, source, telemetry, handle } = parts
  let failure: Error | undefined
  const fail = (error: unknown): void => {
    failure ??= error instanceof Error ? error : new Error(String(error))
    void lifecycle.shutdown('the daemon cannot go on', failure)
  }
  const admin = await startAdmin(parts)
  addSteps(parts, settled, admin)
  lifecycle.draining.addEventListener('abort', () => {
    telemetry.lifecycle('draining', {
      ...lifecycle.drain,
      leftWaiting: source.beginDrain(),
      inFlight: source.state.inFlight,
    })
  })
  handle.start()
  telemetry.lifecycle('starting', { admin: admin.url })
  onAbort(signals.shutdown, (reason) => void lifecycle.shutdown(reason))
  onAbort(signals.cutOff, (reason) => void lifecycle.cutOffNow(reason))
  source
    .start(() => {
      if (lifecycle.running()) telemetry.lifecycle('running')
    })
    .catch(fail)
  let endedBy = 'the input has ended'
  const ended = settled.catch((error: unknown) => {
    if (error instanceof EnrichdError && error.code === 'SINK_CLOSED') endedBy = error.message
    else fail(error)
  })
  // A flow that hangs must not keep the drain's own deadline from ending the process.
  await Promise.race([ended, aborted(lifecycle.draining)])
  const outcome = await lifecycle.shutdown(endedBy)
  report(parts, outcome, failure)
  await handle.close()
  if (outcome.cutOff) return exitCodes.cutOff
  return failure === undefined && outcome.error === undefined ? exitCodes.drained : exitCodes.failed
}

async function startAdmin({ config, handle, lifecycle, source, telemetry }: Parts): Promise<AdminServer> {
  handle.watch({ source: () => source.state, drain: () => lifecycle.drain })
  return startAdminServer({
    ...config.admin,
    consumerAlive: () => performance.now() - source.aliveAt < STUCK_AFTER_MS,
    ready: () => lifecycle.ready,
    status: () => handle.status(),
    metrics: () => handle.metrics(),
    metricsContentType: handle.metricsContentType,
    onError: (path, error) => {
      telemetry.warning('admin.failed', `${path} could not be answered`, { error })
    },
  })
}

function addSteps(parts: Parts, settled: Promise<void>, admin: AdminServer): void {
  const { lifecycle, source } = parts
  lifecycle.onDrain('what is in flight', () => settled.catch(() => undefined))
  lifecycle.onDrain('the last commit', async (cutOff) => {
    while (!(await source.commit()) && !cutOff.aborted)
      await sleep(COMMIT_RETRY_MS, { signal: cutOff }).catch(() => undefined)
  })
  lifecycle.onDrain('leaving the group', async (cutOff) => {
    if (cutOff.aborted) tellRedelivered(parts)
    await source.leave(LEAVE_MS)
  })
  lifecycle.onDrain('closing connections', () => parts.close())
  lifecycle.onDrain('the admin port', () => admin.close())
}

function tellRedelivered({ source, telemetry }: Parts): void {
  const redelivered = source.uncommitted
  const message =
    'what was still in flight was cut off; these offsets will be read again, but for those settled beyond'
  telemetry.warning('drain.cut_off', message, { redelivered })
}

function report({ telemetry, handle }: Parts, outcome: DrainOutcome, failure: Error | undefined): void {
  const { released } = handle.status().counters
  const { durationMs, cutOff } = outcome
  const error = failure ?? outcome.error
  telemetry.lifecycle('stopped', { durationMs, cutOff, released, ...(error === undefined ? {} : { error }) })
}
