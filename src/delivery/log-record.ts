/** A severity as the document carries it. */
export type Severity = 'low' | 'medium' | 'high' | 'critical'

/** JSON as `JSON.parse` makes it. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

/**
 * A log record, decoded: the text to analyse and the fields as they came.
 */
export interface LogRecord {
  /** The record's own fields, as they came, message, time and level fields among them; empty for a text line. */
  readonly fields: { [key: string]: Json }
  /** The text for the NLP service; '' means that no call is made. */
  readonly message: string
  /** The record's own time in ms since 1970, if it has a valid one. */
  readonly timeMs: number | undefined
  /** The level as it came (`WARN`, `error`, `30`), if there is one. */
  readonly level: string | number | undefined
  /**
   * `fields` as the JSON text that came, in one line, where there is one: what `JSON.parse` cannot hold (integers above
   * 2^53, `1.0`) reaches the document unharmed. Whoever changes `fields` leaves it out, or the change is not seen.
   */
  readonly raw?: string | undefined
}
