import { boolean, bytes, choice, integer, list, milliseconds, text } from '../format.js'
import { indexName } from '../name-formats.js'
import { optional, setting } from '../setting.js'
import { httpUrl } from '../text-formats.js'
import { tlsSection } from './tls.js'

const hundredYearsMs = 3_155_760_000_000

export const elasticsearchSection = {
  nodes: setting(list(httpUrl()), [], {
    doc: 'The addresses of the cluster.',
    example: 'https://es-1:9200,https://es-2:9200',
    requiredWhere: [['sink.type', 'elasticsearch']],
  }),
  index: setting(indexName(), 'enrichd-logs-{yyyy}-{MM}', {
    doc: "The index of a document, by the record's own time (`{yyyy}`, `{MM}`, `{dd}`, `{HH}`, in UTC), `{topic}` and `{field}`s of the record, behind a fixed beginning; made lower-case and safe. A record that has no text, number or boolean in such a field becomes a dead letter. Names like `logs-…-…` are refused with `elasticsearch.opType` `index`, because a stock server makes data streams of them.",
    example: 'app-logs-{topic}-{yyyy}-{MM}-{dd}',
  }),
  indexTimePastMs: setting(milliseconds(0, hundredYearsMs), 0, {
    doc: 'A record whose own time is more than this before its Kafka timestamp goes to the index of its Kafka timestamp; 0 for no bound.',
    example: '2592000000',
  }),
  indexTimeFutureMs: setting(milliseconds(0, hundredYearsMs), 86_400_000, {
    doc: 'A record whose own time is more than this after its Kafka timestamp goes to the index of its Kafka timestamp.',
    example: '3600000',
  }),
  opType: setting(choice('index', 'create'), 'index', {
    doc: '`create` is for data streams; a document that is there already then counts as written.',
    example: 'create',
  }),
  batchSize: setting(integer(1, 100_000), 50, {
    doc: 'Documents per bulk request; whichever of this, `batchBytes` and `flushIntervalMs` comes first.',
    example: '500',
  }),
  batchBytes: setting(bytes(1024, 104_857_600), 5_242_880, {
    doc: 'Bytes per bulk request. A single larger document goes alone.',
    example: '10MiB',
  }),
  flushIntervalMs: setting(milliseconds(0, 600_000), 1000, {
    doc: 'How long a document waits for its bulk request to fill up, counted from its first document. With 0 it goes at once where no request is under way, else once none is, after 10 ms at most.',
    example: '50',
  }),
  maxBatchSize: setting(integer(1, 100_000), 50, {
    doc: 'Set higher than `batchSize`, bulk requests grow up to it while there is a backlog.',
    example: '500',
    defaultNote: '50, or `elasticsearch.batchSize` where that is more',
  }),
  maxConcurrency: setting(integer(1, 256), 4, { doc: 'Bulk requests in flight, at most.', example: '8' }),
  requestTimeoutMs: setting(milliseconds(1, 3_600_000), 30_000, {
    doc: 'How long a bulk request may take before it is sent again.',
    example: '60000',
  }),
  compression: setting(boolean(), false, {
    doc: 'Whether requests are compressed: less network for more CPU.',
    example: 'true',
  }),
  breaker: {
    probeIntervalMs: setting(milliseconds(10, 3_600_000), 1000, {
      doc: 'How often a cluster that is down is asked again.',
      example: '5000',
    }),
  },
  apiKey: optional(text({ expected: 'an API key, encoded as Elasticsearch gives it', pattern: /^[!-~]+$/ }), {
    doc: 'The API key to log in with, in place of user and password.',
    example: 'secret',
    secret: true,
  }),
  username: optional(text({ expected: 'text' }), {
    doc: 'The user to log in as; `password` belongs to it.',
    example: 'enrichd',
    secret: true,
  }),
  password: optional(text({ expected: 'text' }), {
    doc: 'The password of `username`.',
    example: 'secret',
    secret: true,
  }),
  tls: {
    ...tlsSection(
      'Insists on TLS: an `http://` address is then an error. An `https://` address always uses TLS.',
    ),
    fingerprint: optional(
      text({
        expected: 'a SHA-256 fingerprint: 64 hexadecimal digits, with or without colons',
        pattern: /^[0-9A-Fa-f]{2}(:?[0-9A-Fa-f]{2}){31}$/,
      }),
      {
        doc: "The fingerprint of the CA's certificate, as Elasticsearch prints it at its first start; in place of `ca`.",
        example: '87f2'.repeat(16),
      },
    ),
  },
}
