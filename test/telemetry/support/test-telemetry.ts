import { createTelemetry, type TelemetryOptions } from '../../../src/telemetry/create-telemetry.js'
import { logCapture } from './log-capture.js'
import { manualClock } from './manual-clock.js'

const limits = { nlp: 10, nlpPerSecond: 0, bulk: 4, bufferedBytes: 64 * 1_048_576 }

/** A telemetry whose lines and time are in the test's hands. */
export function testTelemetry(options: Partial<TelemetryOptions> = {}) {
  const output = logCapture()
  const clock = manualClock()
  const handle = createTelemetry({
    version: '1.2.3',
    limits,
    processMetrics: false,
    clock,
    loopTime: () => ({ active: 0, idle: clock.now() }),
    ...options,
    log: { ...options.log, output },
  })
  const named = (event: string) => output.lines.filter((line) => line.event === event)
  return { ...handle, output, clock, named }
}
