import type { Severity } from '../delivery/log-record.js'

/** Something found in a text. `start` and `end` are UTF-16 units, as in JavaScript; `end` is exclusive. */
export interface Entity {
  readonly text: string
  readonly type: string
  readonly start?: number
  readonly end?: number
  readonly score?: number
}

/** What an NLP service says of one text. Without `severity` the document takes it from the record's level. */
export interface Analysis {
  readonly entities: readonly Entity[]
  readonly severity?: Severity
}

/** What the enrich stage knows of one record when its document is built. */
export interface Enrichment {
  /** `skipped`: an empty message, no call was made. `failed`: the service refused it and `onFailure` is `index-raw`. */
  readonly status: 'enriched' | 'skipped' | 'failed'
  readonly entities: readonly Entity[]
  /** As the service said; `undefined` where it said nothing. */
  readonly severity: Severity | undefined
  /** The service as it is named in the document. */
  readonly service: string
  /** Attempts that counted; 0 where none was made. */
  readonly attempts: number
  /** From the first attempt to the answer, waits included. */
  readonly durationMs: number
  /** The text was cut to `maxTextBytes` before it was sent. */
  readonly truncated: boolean
}
