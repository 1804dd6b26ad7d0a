import type { Analysis } from './analysis.js'

/** Ends a call that is under way: it rejects with `reason` at once. */
export interface Canceller {
  cancel(reason: Error): void
}

/**
 * A call that can be ended. A plain slot instead of an `AbortSignal`: making a controller for each call costs 4 to 6 µs, a tenth
 * of the whole call.
 */
export interface Cancellable {
  /** Set by the analyser while the call is under way. */
  canceller: Canceller | undefined
  /**
   * For an analyser that knows of a good answer before its promise can tell anybody: the call's place is free, and the next one may
   * begin while this answer is still dealt with. Not to be called for an answer that the promise then rejects.
   */
  readonly onAnswered?: ((call: Cancellable) => void) | undefined
}

/** Whatever analyses texts: the HTTP client, or the engine inside this process. */
export interface Analyser {
  /** As the document names it: `enrichment.service`. */
  readonly name: string
  /** Texts that one call can carry at most. */
  readonly maxTexts: number
  /**
   * One call: one analysis per text, in the order of the texts. It takes `timeoutMs` at most, is never repeated, and leaves
   * nothing under way once it has settled.
   * @throws EnrichdError classified by kind; or the reason that it was cancelled with.
   */
  analyse(texts: readonly string[], call: Cancellable): Promise<readonly Analysis[]>
  /** Cuts off what is under way and lets go of every connection. Idempotent. */
  close(): Promise<void>
}
