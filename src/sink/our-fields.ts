/** What a document holds under one of our names, and the type that serves it best. */
export interface OurField {
  /** From the root: `entities.type`. */
  readonly path: string
  readonly holds: 'time' | 'text' | 'word' | 'integer' | 'number' | 'flag' | 'object'
  /** Its part of the index template. */
  readonly mapping: Readonly<Record<string, unknown>>
  /** Documents of files have `file` and no `kafka`, and the other way round; `trace` and `original` only some have. */
  readonly always: boolean
}

/** Elasticsearch refuses a keyword of more than 32,766 bytes; at most four of them make a character. */
const longestKeyword = 8191

const word = (ignoreAbove: number) => ({ type: 'keyword', ignore_above: ignoreAbove })
const field = (path: string, holds: OurField['holds'], mapping: OurField['mapping'] | string): OurField => ({
  path,
  holds,
  mapping: typeof mapping === 'string' ? { type: mapping } : mapping,
  always: !/^(kafka|file|trace|original)/.test(path),
})

/** Every field that we add to a record. */
export const ourFields: readonly OurField[] = [
  field('@timestamp', 'time', 'date'),
  field('message', 'text', 'text'),
  field('severity', 'word', word(64)),
  field('entities', 'object', {}),
  field('entities.text', 'word', word(1024)),
  field('entities.type', 'word', word(256)),
  field('entities.start', 'integer', 'integer'),
  field('entities.end', 'integer', 'integer'),
  field('entities.score', 'number', 'float'),
  field('enrichment', 'object', {}),
  field('enrichment.status', 'word', word(64)),
  field('enrichment.service', 'word', word(256)),
  field('enrichment.attempts', 'integer', 'integer'),
  field('enrichment.durationMs', 'integer', 'long'),
  field('enrichment.truncated', 'flag', 'boolean'),
  field('kafka', 'object', {}),
  field('kafka.topic', 'word', word(256)),
  field('kafka.partition', 'integer', 'integer'),
  field('kafka.offset', 'integer', 'long'),
  field('kafka.key', 'word', word(1024)),
  field('file', 'object', {}),
  field('file.path', 'word', word(longestKeyword)),
  field('file.line', 'integer', 'long'),
  field('trace', 'object', {}),
  field('trace.id', 'word', word(64)),
  // A record's own fields of any name and type: flattened cannot conflict, and makes no new fields.
  field('original', 'object', { type: 'flattened', ignore_above: longestKeyword, depth_limit: 100 }),
]
