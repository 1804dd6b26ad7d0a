import { bytes, choice, integer, list, milliseconds, text } from '../format.js'
import { deadLetterTopic } from '../name-formats.js'
import { optional, setting } from '../setting.js'
import { filePath } from '../text-formats.js'

const field = text({ expected: 'the name of a field' })

export const sourceSection = {
  type: setting(choice('kafka', 'file', 'stdin'), 'kafka', {
    doc: 'Where records come from. `file` and `stdin` read lines, for trying out and for back-fills; `kafka.*` is then not required.',
    example: 'stdin',
  }),
  path: optional(filePath(), { doc: 'The file to read, with `source.type` `file`.', example: './app.log' }),
}

export const decodeSection = {
  format: setting(choice('auto', 'json', 'text', 'logfmt'), 'auto', {
    doc: 'How records are written; `auto` looks at each.',
    example: 'json',
  }),
  messageFields: setting(list(field), ['message', 'msg', 'log'], {
    doc: 'The fields that may hold the text: the first that is there. A record with none is a dead letter; an empty text is indexed without a call.',
    example: 'event.original,message',
  }),
  timeFields: setting(list(field), ['@timestamp', 'timestamp', 'ts', 'time'], {
    doc: "The fields that may hold the record's own time: the first that is there.",
    example: 'eventTime',
  }),
  levelFields: setting(list(field), ['level', 'severity', 'log.level'], {
    doc: 'The fields that may hold the level: the first that is there.',
    example: 'loglevel,level',
  }),
  onTombstone: setting(choice('drop', 'dead-letter'), 'drop', {
    doc: 'What becomes of a record without a value. Dropped ones are counted.',
    example: 'dead-letter',
  }),
}

export const pipelineSection = {
  bufferSize: setting(integer(1, 1_000_000), 1000, {
    doc: 'Records between two stages, at most.',
    example: '5000',
  }),
  maxBufferedBytes: setting(bytes(1_048_576, 17_179_869_184), 67_108_864, {
    doc: 'Bytes of records held in all, at most; one above 64 KiB counts three times, for what is made of it. Resident memory stays within about 150 MiB and three times this. Below 64 MiB the heap is kept small under full load, too, for a tenth more CPU time.',
    example: '256MiB',
  }),
  order: setting(choice('none', 'partition'), 'none', {
    doc: 'Whether records leave the NLP service for their bulks in the order of their partition, or as their calls complete. Calls run concurrently either way, and so do bulk requests (`elasticsearch.maxConcurrency`).',
    example: 'partition',
  }),
  gracefulTimeoutMs: setting(milliseconds(0, 3_600_000), 30_000, {
    doc: 'How long a drain may take. What is not finished then is left in Kafka, and the exit code is 75.',
    example: '60000',
  }),
}

export const deadLetterSection = {
  type: setting(choice('kafka', 'file'), 'kafka', {
    doc: 'Where rejected records go.',
    example: 'file',
    defaultNote: '`kafka`; `file` where the source is not Kafka',
  }),
  topic: setting(deadLetterTopic(), '{topic}.dead-letter', {
    doc: "The topic for rejected records; `{topic}` is the record's own. It is never created by `run`: `setup` does that.",
    example: 'enrichd-dead-letters',
  }),
  path: setting(filePath(), 'dead-letters.ndjson', {
    doc: 'The file for rejected records, with `deadLetter.type` `file`.',
    example: '/var/lib/enrichd/dead-letters.ndjson',
  }),
  maxConsecutive: setting(integer(1, 1_000_000_000), 2000, {
    doc: 'When so many records in a row were rejected, the line stops and says so: that is not so many bad records but one bad deployment.',
    example: '500',
  }),
}

export const sinkSection = {
  type: setting(choice('elasticsearch', 'file', 'stdout'), 'elasticsearch', {
    doc: 'Where documents go. `file` and `stdout` write one JSON document a line; `elasticsearch.nodes` is then not required.',
    example: 'stdout',
  }),
  path: optional(filePath(), {
    doc: 'The file to write, with `sink.type` `file`.',
    example: './documents.ndjson',
  }),
}
