import assert from 'node:assert/strict'
import perfHooks from 'node:perf_hooks'
import { it } from 'node:test'
import type { MetricSources } from '../../src/telemetry/metric-definitions.js'
import { Metrics } from '../../src/telemetry/metrics.js'

it('the lag of the event loop is measured by a timer that wakes it up ten times a second, and not a hundred', (t) => {
  const opened = t.mock.method(perfHooks, 'monitorEventLoopDelay')
  new Metrics({} as MetricSources, true)
  assert.deepEqual(
    opened.mock.calls.map(({ arguments: given }) => given),
    [[{ resolution: 100 }]],
  )
  opened.mock.calls[0]?.result?.disable()
})
