import type { EnrichOptions } from '../../../src/enrich/enrich.js'

const nothing = () => undefined

/** Hears everything, says nothing. */
export const silentTelemetry: EnrichOptions['telemetry'] = {
  nlpRequestFinished: nothing,
  nlpInFlight: nothing,
  nlpConcurrencyLimit: nothing,
  nlpCache: nothing,
  retrying: nothing,
  dependencyDown: nothing,
  dependencyStillDown: nothing,
  dependencyUp: nothing,
}
