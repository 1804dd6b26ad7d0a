/**
 * What the index stage takes: a document ready to be written, serialised once.
 */
export interface EnrichedDocument {
  /** The document's source, one line of JSON without its line end. */
  readonly body: string
  /** UTF-8 bytes of `body`. */
  readonly bytes: number
  /** The document's `@timestamp` in ms since 1970: the record's own time, else Kafka's. */
  readonly timeMs: number
  /** The time that chooses the index: `timeMs`, or Kafka's timestamp where `timeMs` is out of bounds. Never now. */
  readonly indexTimeMs: number
  /** The record's own fields, for an index name that is built from them; else empty. */
  readonly fields: { readonly [key: string]: unknown }
}
