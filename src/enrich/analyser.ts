import type { Analysis } from './analysis.js'

/** Ends a call that is under way: it fails with `reason`. */
export interface Canceller {
  cancel(reason: Error): void
}

/**
 * One call, as its analyser sees it: how it can be ended, and who hears how it ended. An object in place of a promise and an
 * `AbortSignal`, which would cost a tenth of the whole call.
 */
export interface AnalyserCall {
  /** Set by the analyser while the call is under way. */
  canceller: Canceller | undefined
  /**
   * A good answer is known, and `done` follows: the call's place is free, and the next one may begin while this answer is still
   * dealt with. May be left out.
   */
  answered(): void
  /** One analysis per text, in the order of the texts. */
  done(analyses: readonly Analysis[]): void
  /** With an EnrichdError classified by kind; or with the reason that it was cancelled with. */
  failed(error: unknown): void
}

/** Whatever analyses texts: the HTTP client, or the engine inside this process. */
export interface Analyser {
  /** As the document names it: `enrichment.service`. */
  readonly name: string
  /** Texts that one call can carry at most. */
  readonly maxTexts: number
  /**
   * One call. It takes `timeoutMs` at most, is never repeated, and ends with `call.done` or `call.failed`, once, after this has
   * returned; it leaves nothing under way then. Never throws.
   */
  analyse(texts: readonly string[], call: AnalyserCall): void
  /** Cuts off what is under way and lets go of every connection. Idempotent. */
  close(): Promise<void>
}

/** A call whose end is a promise, for whoever makes few. */
export class PromisedCall implements AnalyserCall {
  canceller: Canceller | undefined
  readonly analyses: Promise<readonly Analysis[]>
  done!: (analyses: readonly Analysis[]) => void
  failed!: (error: unknown) => void

  constructor() {
    this.analyses = new Promise((resolve, reject) => {
      this.done = resolve
      this.failed = reject
    })
  }

  answered(): void {
    // What follows says it, too.
  }
}

/** One call that nobody cancels. @throws what it fails with */
export function analyseOnce(analyser: Analyser, texts: readonly string[]): Promise<readonly Analysis[]> {
  const call = new PromisedCall()
  analyser.analyse(texts, call)
  return call.analyses
}
