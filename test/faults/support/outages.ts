import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { DaemonProcess } from '../../support/daemon-process.js'
import type { Lab } from './lab.js'
import { inFlight, latencyMs, longForm, objections, summary, type Allowed } from './lab.js'

/** A fault that stops the line, or slows it down, for a while. */
export interface Outage {
  readonly name: string
  begin(lab: Lab): void | Promise<void>
  end(lab: Lab): void | Promise<void>
  /** How long after its end the service had asked for (Retry-After); default 0. */
  readonly askedForMs?: number
  /** NLP calls that it may cause to be made again; default 0. */
  readonly repeatedCalls?: number
  /** In the short form too. */
  readonly short?: boolean
}

export interface OutageResult {
  readonly outage: string
  readonly forMs: number
  readonly fullRate: number
  /** The rate while it lasted. */
  readonly rate: number
  /** Finished NLP calls that were made again, from its beginning to full speed. */
  readonly repeatedCalls: number
  /** From its end to full speed; undefined: not within 20 s. */
  readonly resumedAfterMs: number | undefined
  /** Of that, until the group had given the daemon its partitions; 0 where it kept them. */
  readonly assignedAfterMs: number
}

/** Full speed is so much of the same run's fault-free rate, and is back within so long. */
const fullSpeed = 0.9
// `npm test` runs beside its servers on whatever machine there is: there it only has to come back; the long form measures.
const resumeWithinMs = longForm ? 2000 : 20_000
const resumeTimeoutMs = 20_000
/** Records a second that the NLP service lets through. A busy machine takes its samples late, and then sees more. */
export const mostPerSecond = (inFlight * 1000) / latencyMs
/** A machine that is too busy to come near this without any fault measures nothing: then no time is objected to. */
export const measurableRate = 0.8 * mostPerSecond

/** Lets the outages happen one after another to one daemon under load, and says how fast it was before, in and after each. */
export async function runOutages(
  lab: Lab,
  outages: readonly Outage[],
  forMs: number,
): Promise<OutageResult[]> {
  const daemon = lab.start()
  const meter = lab.meter(daemon)
  lab.feed()
  await lab.checker.indexed(200)
  // The first of a file begins with servers that are cold, and is faster for a while when it catches up.
  const rates = [await meter.measure(3000), await meter.measure(3000)]
  const fullRate = Math.min(...rates, mostPerSecond)
  if (fullRate < measurableRate) lab.keep({ unmeasured: 'the machine is too busy', fullRate })
  const results: OutageResult[] = []
  for (const outage of outages) {
    const repeatedBefore = lab.repeatedCalls
    const begun = performance.now()
    await outage.begin(lab)
    await pause(forMs)
    await outage.end(lab)
    const end = performance.now() + (outage.askedForMs ?? 0)
    const endedAt = Date.now()
    const resumedAfterMs = await meter.resumed(end, fullSpeed * fullRate, resumeTimeoutMs)
    const assignedAfterMs = Math.max(0, lastAssignment(daemon) - endedAt)
    const rate = meter.rate(begun, begun + forMs)
    const repeatedCalls = lab.repeatedCalls - repeatedBefore
    const result = {
      outage: outage.name,
      forMs,
      fullRate,
      rate,
      repeatedCalls,
      resumedAfterMs,
      assignedAfterMs,
    }
    results.push(result)
    lab.keep(result)
  }
  await meter.stop()
  assert.ok(daemon.running, daemon.tail())
  return results
}

/** In ms since the epoch. */
function lastAssignment({ lines }: DaemonProcess): number {
  return Date.parse(String(lines.findLast(({ event }) => event === 'kafka.assigned')?.['time']))
}

/** Runs the outages and asserts every guarantee. */
export async function surviveOutages(
  lab: Lab,
  outages: readonly Outage[],
  { forMs, ...allowed }: Allowed & { readonly forMs: number },
): Promise<void> {
  const results = await runOutages(lab, outages, forMs)
  const report = await lab.drained()
  lab.keep(summary(report))
  const repeatedCalls = outages.reduce((sum, outage) => sum + (outage.repeatedCalls ?? 0), 0)
  const found = results.flatMap((result, at) => objectionsTo(result, outages[at]?.repeatedCalls ?? 0))
  assert.deepEqual([...objections(report, { repeatedCalls, ...allowed }), ...found], [])
}

function objectionsTo(result: OutageResult, allowedCalls: number): string[] {
  const { outage, resumedAfterMs, assignedAfterMs, repeatedCalls, fullRate } = result
  const found: string[] = []
  const inTime = resumedAfterMs !== undefined && resumedAfterMs - assignedAfterMs <= resumeWithinMs
  if (!inTime && fullRate >= measurableRate)
    found.push(`${outage}: full speed after ${resumedAfterMs ?? 'more than 20000'} ms`)
  if (repeatedCalls > allowedCalls)
    found.push(`${outage}: ${repeatedCalls} finished NLP calls repeated, not ${allowedCalls} at most`)
  return found
}

/** In `npm test`. */
export const shortMs = 4000

/** How long an outage lasts: short in `npm test`; `FAULTS_SECONDS` or 30 s in the long form. */
export function outageMs(shortMs: number): number {
  return longForm ? 1000 * Number(process.env['FAULTS_SECONDS'] ?? 30) : shortMs
}
