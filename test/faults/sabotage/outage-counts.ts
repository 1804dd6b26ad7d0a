import type { CallResult } from '../../../src/enrich/call.js'
import { NlpService } from '../../../src/enrich/nlp-service.js'
import { EnrichdError } from '../../../src/errors.js'

const { call } = NlpService.prototype

/** Takes an outage for the fault of whichever record met it. */
NlpService.prototype.call = function (texts, stop, done) {
  call.call(this, texts, stop, (result) => {
    done(blamed(result))
  })
}

function blamed(result: CallResult): CallResult {
  if (result.status !== 'failed' || result.error.kind === 'record') return result
  const error = new EnrichdError(result.error.code, result.error.message, {
    kind: 'record',
    cause: result.error,
  })
  return { ...result, error }
}
