import type { Problem } from './config-error.js'

/** A value that somebody gave. */
export interface Given {
  readonly key: string
  /** As it may be printed. */
  readonly origin: string
  /** As a file would hold it; not checked yet. */
  readonly raw: unknown
}

/** What one place had to say: values for known keys, and what was wrong already. */
export interface Layer {
  readonly given: readonly Given[]
  readonly problems: readonly Problem[]
}
