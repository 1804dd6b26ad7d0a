import { systemClock, type Clock } from '../pipeline/clock.js'
import type { FlowLimits } from './bottleneck.js'
import { DependencyBoard } from './dependency-board.js'
import { eventNamed, type LogLevel } from './events.js'
import { FlowSampler, type LoopTime } from './flow-sampler.js'
import { LineLimiter } from './line-limiter.js'
import { Logger, type LogLine, type LoggerOptions } from './logger.js'
import { Metrics } from './metrics.js'
import { Progress } from './progress.js'
import { RunCounts } from './run-counts.js'
import { RunStatus, type LiveViews, type StatusSnapshot } from './run-status.js'
import { RunTelemetry } from './run-telemetry.js'
import type { Telemetry } from './telemetry.js'

export interface TelemetryOptions {
  readonly version: string
  readonly log?: LoggerOptions
  /** What the user allows; 0 where there is no limit. The bottleneck is judged by these. */
  readonly limits: Omit<FlowLimits, 'nlpConfigured'>
  /** Between two progress lines while there is progress, in ms. Default 5,000. */
  readonly progressIntervalMs?: number
  /** Between two progress lines while records wait and none is settled, in ms. Default 60,000. */
  readonly waitingIntervalMs?: number
  /** Between two lines that say that a dependency is still down, in ms; Kafka's are not bounded. Default 30,000. */
  readonly stillDownIntervalMs?: number
  /** With metrics of the process and of Node. Default true; their observers live as long as the process. */
  readonly processMetrics?: boolean
  readonly clock?: Clock
  /** How long the event loop was busy and idle; default: this thread's. */
  readonly loopTime?: () => LoopTime
}

/** A line of a client's own log. */
interface ClientLogLine {
  readonly namespace: string
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** The telemetry of one daemon, and what others may ask it. */
export interface TelemetryHandle {
  readonly telemetry: Telemetry
  /** Where the Kafka client's own log goes: event `kafka.client`. */
  readonly kafkaLog: (line: ClientLogLine) => void
  /** What is looked at when somebody asks; may be set again as parts come to life. */
  readonly watch: (views: LiveViews) => void
  readonly status: () => StatusSnapshot
  /** All metrics in the text format of Prometheus, of the content type `metricsContentType`. */
  readonly metrics: () => Promise<string>
  readonly metricsContentType: string
  /** Begins to sample and to write progress lines, once a second, until `close`. Idempotent. */
  readonly start: () => void
  /** No line follows but those that are told; resolves once all are written, or after a second. Idempotent. */
  readonly close: () => Promise<void>
}

const TICK_MS = 1000
/** Events that the table does not know are bounded too. */
const UNKNOWN_PER_SECOND = 10

/** Logs, metrics, status and progress of one daemon. Touches nothing global but, with `processMetrics`, Node's observers. */
export function createTelemetry(options: TelemetryOptions): TelemetryHandle {
  const { version, limits, clock = systemClock } = options
  const logger = new Logger(options.log)
  const counts = new RunCounts(clock)
  const board = new DependencyBoard(clock)
  const sampler = new FlowSampler(counts, clock, options.loopTime)
  const status = new RunStatus({ counts, board, sampler, clock, version, limits })
  const sources = { counts, board, status, version, linesLost: () => logger.linesLost }
  const metrics = new Metrics(sources, options.processMetrics ?? true)
  const limiter = suppressingLimiter(clock, logger)
  const say = speaker(logger, limiter)
  const stillDownIntervalMs = options.stillDownIntervalMs ?? 30_000
  const safe = (text: string): string => logger.safe(text)
  const telemetry = new RunTelemetry({
    counts,
    board,
    status,
    metrics,
    clock,
    stillDownIntervalMs,
    say,
    safe,
  })
  const intervalMs = options.progressIntervalMs ?? 5000
  const waitingIntervalMs = options.waitingIntervalMs ?? 60_000
  const progress = new Progress({ counts, status, clock, intervalMs, waitingIntervalMs, say })
  const ticker = everySecond(clock, () => {
    sampler.sample()
    limiter.sweep()
    progress.tick()
  })
  return {
    telemetry,
    kafkaLog: clientLog(say),
    watch: (views) => {
      status.live = views
    },
    status: () => status.snapshot(),
    metrics: () => metrics.text(),
    metricsContentType: metrics.contentType,
    start: ticker.start,
    close: async () => {
      ticker.stop()
      limiter.sweep(true)
      await logger.flush()
    },
  }
}

function suppressingLimiter(clock: Clock, logger: Logger): LineLimiter {
  return new LineLimiter(clock, ({ event, count, counts }) => {
    const message = `${count} more lines of ${event} were counted and not written`
    logger.write({ event: 'log.suppressed', message, fields: { suppressed: event, count, counts } })
  })
}

/** Writes a line unless its event has had its lines of this second. */
function speaker(logger: Logger, limiter: LineLimiter): (line: LogLine, label?: string) => void {
  return (line, label) => {
    const known = eventNamed(line.event)
    const level: LogLevel = line.level ?? known?.level ?? 'info'
    if (!logger.writes(level)) return
    const perSecond = known === undefined ? UNKNOWN_PER_SECOND : known.perSecond
    if (perSecond === undefined || limiter.admit(line.event, perSecond, label)) logger.write(line)
  }
}

function clientLog(say: (line: LogLine, label?: string) => void): (line: ClientLogLine) => void {
  return ({ namespace, message, fields }) => {
    const line = { message: `${namespace}: ${message}`, fields: { namespace, client: fields } }
    say({ event: 'kafka.client', ...line }, namespace)
  }
}

function everySecond(clock: Clock, run: () => void): { start: () => void; stop: () => void } {
  let timer: unknown
  const arm = (): void => {
    timer = clock.setTimeout(() => {
      arm()
      run()
    }, TICK_MS)
  }
  return {
    start: () => {
      if (timer === undefined) arm()
    },
    stop: () => {
      clock.clearTimeout(timer)
    },
  }
}
