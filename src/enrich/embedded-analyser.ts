import { EnrichdError } from '../errors.js'
import type { Analyser, Canceller } from './analyser.js'
import type { Analysis } from './analysis.js'

/** An engine inside this process, as `nlp-engine/` offers it. Its errors carry a `code`. */
export interface Engine {
  analyse(texts: readonly string[], signal: AbortSignal): Promise<readonly Analysis[]>
  close(): Promise<void>
}

/** `nlp.url = embedded:`: the same line, retries and bounds, but a function call in place of HTTP. */
export function embeddedAnalyser(engine: Engine): Analyser {
  return {
    name: 'embedded',
    maxTexts: 1024,
    analyse(texts, call) {
      const { signal, canceller } = cancelling()
      call.canceller = canceller
      engine.analyse(texts, signal).then(
        (analyses) => {
          call.canceller = undefined
          call.done(analyses)
        },
        (error: unknown) => {
          call.canceller = undefined
          call.failed(signal.aborted ? error : classifyEngineError(error))
        },
      )
    },
    close: () => engine.close(),
  }
}

function cancelling(): { signal: AbortSignal; canceller: Canceller } {
  const controller = new AbortController()
  const cancel = (reason: Error): void => {
    controller.abort(reason)
  }
  return { signal: controller.signal, canceller: { cancel } }
}

function classifyEngineError(error: unknown): EnrichdError {
  if (error instanceof EnrichdError) return error
  const { code, message } = error as { code?: unknown; message?: unknown }
  const said = `the embedded engine: ${String(message)}`
  if (code === 'text-too-slow')
    return new EnrichdError('NLP_REJECTED', said, { kind: 'record', cause: error })
  if (code === 'queue-full') return new EnrichdError('NLP_OVERLOADED', said, { kind: 'outage', cause: error })
  if (code === 'closed') return new EnrichdError('NLP_UNREACHABLE', said, { kind: 'outage', cause: error })
  return new EnrichdError('NLP_SERVER_ERROR', said, { kind: 'suspect', cause: error })
}
