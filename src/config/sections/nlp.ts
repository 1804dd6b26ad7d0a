import { boolean, bytes, choice, decimal, integer, milliseconds, text } from '../format.js'
import { optional, setting } from '../setting.js'
import { headers, jsonPointer, nlpProtocol, nlpUrl } from '../text-formats.js'
import { tlsSection } from './tls.js'

const httpSection = {
  method: setting(choice('POST', 'PUT'), 'POST', { doc: 'The method of a request.', example: 'PUT' }),
  path: setting(text({ expected: 'a path that begins with /', pattern: /^\/\S*$/ }), '/', {
    doc: 'Appended to `nlp.url`; a query is allowed.',
    example: '/analyze',
  }),
  contentType: setting(
    text({ expected: 'a media type such as application/json', pattern: /^[\w.+-]+\/[\w.+-]+(;[ -~]*)?$/ }),
    'application/json',
    { doc: 'The type of `body`.', example: 'application/x-www-form-urlencoded' },
  ),
  body: setting(
    text({ expected: 'text that contains {{text}}', pattern: /\{\{text\}\}/ }),
    '{"text": "{{text}}"}',
    {
      doc: "The body of a request. `{{text}}` becomes the record's text, escaped for JSON or a form; in JSON it stands inside a string; for any other type the body is `{{text}}` alone.",
      example: '{"inputs": "{{text}}"}',
    },
  ),
  entities: setting(jsonPointer(), '/entities', {
    doc: 'JSON pointer to the array of entities in the answer; empty text where the answer is the array. Nothing there means no entities, but in an answer that has a member `error` or `errors`.',
    example: '/result/entities',
  }),
  severity: optional(jsonPointer(), {
    doc: "JSON pointer to the severity in the answer. Without it, or where nothing is there, the severity comes from the record's level.",
    example: '/severity',
  }),
  entity: {
    text: optional(jsonPointer(), {
      doc: "Within an entity, JSON pointer to its text. Without it the text is cut from the record's.",
      example: '/word',
    }),
    type: setting(jsonPointer(), '/type', {
      doc: 'Within an entity, JSON pointer to its type.',
      example: '/entity_group',
    }),
    start: optional(jsonPointer(), {
      doc: 'Within an entity, JSON pointer to the offset of its first character.',
      example: '/start',
    }),
    end: optional(jsonPointer(), {
      doc: 'Within an entity, JSON pointer to the offset behind its last character.',
      example: '/end',
    }),
    length: optional(jsonPointer(), {
      doc: 'Within an entity, JSON pointer to its length, in place of `end`.',
      example: '/length',
    }),
    score: optional(jsonPointer(), {
      doc: 'Within an entity, JSON pointer to its score.',
      example: '/score',
    }),
  },
  offsetUnit: setting(choice('utf16', 'codePoint'), 'utf16', {
    doc: 'What the service counts offsets in: UTF-16 units as Java and JavaScript do, or code points as Python does.',
    example: 'codePoint',
  }),
}

export const nlpSection = {
  url: setting(nlpUrl(), '', {
    doc: 'The address of the NLP service. `embedded:` runs the reference engine on worker threads, without HTTP.',
    example: 'http://nlp:8090/',
    requiredWhere: 'always',
  }),
  protocol: setting(nlpProtocol(), 'enrichd', {
    doc: "How the service is spoken to: `enrichd`, `corenlp` (Stanford's server), `http` (anything else, described by `nlp.http`), or an ES module with an adapter of your own.",
    example: 'http',
  }),
  maxConcurrency: setting(integer(1, 10_000), 10, {
    doc: 'Requests in flight, at most.',
    example: '64',
  }),
  adaptive: setting(boolean(), true, {
    doc: 'Lowers the concurrency when the service answers 429 or 503 or times out, and finds the limit again, up to `nlp.maxConcurrency`.',
    example: 'false',
  }),
  maxTextBytes: setting(bytes(16, 10_485_760), 16_384, {
    doc: 'The longest text that is sent. Longer ones are cut at a character, and the document says so in `enrichment.truncated`.',
    example: '4096',
  }),
  batchSize: setting(integer(1, 1000), 1, {
    doc: 'Texts per request, where the protocol can.',
    example: '16',
  }),
  batchWaitMs: setting(milliseconds(0, 60_000), 5, {
    doc: 'How long a request waits to fill up, with `nlp.batchSize` above 1.',
    example: '10',
  }),
  timeoutMs: setting(milliseconds(1, 3_600_000), 10_000, {
    doc: 'How long an attempt may take.',
    example: '2000',
  }),
  retry: {
    limit: setting(integer(1, 100), 3, {
      doc: 'Attempts for a record that may be at fault, the first included. An outage never counts as an attempt, and is waited out however long it takes.',
      example: '5',
    }),
    delayMs: setting(milliseconds(0, 3_600_000), 1000, {
      doc: 'The delay before another attempt: this times the attempt, with full jitter.',
      example: '500',
    }),
    maxDelayMs: setting(milliseconds(0, 3_600_000), 30_000, {
      doc: 'The longest delay before another attempt.',
      example: '10000',
    }),
  },
  breaker: {
    probeIntervalMs: setting(milliseconds(10, 3_600_000), 1000, {
      doc: 'How often a service that is down is asked again.',
      example: '5000',
    }),
  },
  maxRequestsPerSecond: setting(decimal(0, 1_000_000), 0, {
    doc: 'A rate limit that the service asks for; 0 for none. Fractions are allowed.',
    example: '50',
  }),
  onFailure: setting(choice('dead-letter', 'index-raw'), 'dead-letter', {
    doc: 'What becomes of a record that the service refuses: a dead letter, or a document without entities that is marked `enrichment.status` `failed`.',
    example: 'index-raw',
  }),
  cache: {
    maxEntries: setting(integer(0, 10_000_000), 0, {
      doc: 'Answers that are remembered by text; 0 for none. Equal texts in flight then share one call.',
      example: '10000',
    }),
    ttlMs: setting(milliseconds(1, 2_592_000_000), 3_600_000, {
      doc: 'How long an answer is remembered.',
      example: '600000',
    }),
  },
  headers: setting(
    headers(),
    {},
    {
      doc: 'Headers of every request.',
      example: '{"X-Api-Key": "secret"}',
      secret: true,
    },
  ),
  bearerToken: optional(text({ expected: 'a token of visible characters', pattern: /^[!-~]+$/ }), {
    doc: 'Sent as `Authorization: Bearer …`.',
    example: 'secret',
    secret: true,
  }),
  http: httpSection,
  tls: tlsSection(
    'Insists on TLS: an `http://` address is then an error. An `https://` address always uses TLS.',
  ),
}
