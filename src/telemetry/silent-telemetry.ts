import type { Telemetry } from './telemetry.js'

const nothing = (): void => undefined

/** A telemetry that tells nobody anything: for tests, and for whoever uses the stages as a library. */
export const silentTelemetry: Telemetry = {
  recordFinished: nothing,
  retrying: nothing,
  nlpRequestFinished: nothing,
  nlpInFlight: nothing,
  nlpConcurrencyLimit: nothing,
  nlpCache: nothing,
  bulkFinished: nothing,
  bulkInFlight: nothing,
  dependencyDown: nothing,
  dependencyStillDown: nothing,
  dependencyUp: nothing,
  assigned: nothing,
  revoked: nothing,
  committed: nothing,
  commitFailed: nothing,
  fetched: nothing,
  offsetsOutOfRange: nothing,
  buffered: nothing,
  lifecycle: nothing,
  notice: nothing,
  warning: nothing,
}
