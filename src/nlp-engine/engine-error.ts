/**
 * Why a text has no analysis.
 *
 * - `text-too-slow`: the text took longer than the time limit, or cost its worker its life, twice: it is the text's fault.
 * - `queue-full`:    as many texts wait as may; try again later.
 * - `closed`:        the engine is stopping.
 * - `failed`:        the engine itself is broken.
 */
export type EngineErrorCode = 'text-too-slow' | 'queue-full' | 'closed' | 'failed'

/** An error of the engine; the text's own fault only where `code` is `text-too-slow`. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly code: EngineErrorCode
  /** The place of the text at fault among those given, for `text-too-slow`. */
  readonly index: number | undefined

  constructor(code: EngineErrorCode, message: string, options: { cause?: unknown; index?: number } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.index = options.index
  }
}
