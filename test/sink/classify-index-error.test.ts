import assert from 'node:assert/strict'
import { createServer, type AddressInfo } from 'node:net'
import test, { after, before } from 'node:test'
import { errors, type Client } from '@elastic/elasticsearch'
import { EnrichdError, type ErrorCode, type FailureKind } from '../../src/errors.js'
import { elasticsearchBulk } from '../../src/sink/bulk-request.js'
import { classifyItemError, classifyRequestError } from '../../src/sink/classify-index-error.js'
import { elasticsearchClient } from '../../src/sink/elasticsearch-client.js'
import {
  startFakeElasticsearch,
  type BulkAnswer,
  type FakeElasticsearch,
} from '../support/fake-elasticsearch.js'
import { sinkDocument } from '../support/sink-records.js'

type Row = readonly [type: string, status: number, code: ErrorCode, kind: FailureKind, reason?: string]

const itemRows: readonly Row[] = [
  ['document_parsing_exception', 400, 'INDEX_REJECTED', 'record'],
  ['mapper_parsing_exception', 400, 'INDEX_REJECTED', 'record'],
  ['strict_dynamic_mapping_exception', 400, 'INDEX_REJECTED', 'record'],
  [
    'illegal_argument_exception',
    400,
    'INDEX_REJECTED',
    'record',
    'Limit of total fields [1000] has been exceeded while adding new fields [1]',
  ],
  [
    'illegal_argument_exception',
    400,
    'INDEX_REJECTED',
    'record',
    'Limit of mapping depth [20] has been exceeded due to object field [a]',
  ],
  [
    'illegal_argument_exception',
    400,
    'INDEX_MISCONFIGURED',
    'setting',
    'only write ops with an op_type of create are allowed in data streams',
  ],
  [
    'illegal_argument_exception',
    400,
    'INDEX_UNKNOWN_ITEM_ERROR',
    'suspect',
    'mapper [a] cannot be changed from type [long] to [text]',
  ],
  ['routing_missing_exception', 400, 'INDEX_MISCONFIGURED', 'setting', 'routing is required for [logs]/[1]'],
  [
    'illegal_argument_exception',
    400,
    'INDEX_MISCONFIGURED',
    'setting',
    'pipeline with id [geo] does not exist',
  ],
  [
    'illegal_argument_exception',
    400,
    'INDEX_MISCONFIGURED',
    'setting',
    'no write index is defined for alias [logs]. The write index may be explicitly disabled using is_write_index=false',
  ],
  ['invalid_index_name_exception', 400, 'INDEX_NAME_INVALID', 'record'],
  ['es_rejected_execution_exception', 429, 'INDEX_OVERLOADED', 'outage'],
  ['circuit_breaking_exception', 429, 'INDEX_OVERLOADED', 'outage'],
  [
    'cluster_block_exception',
    429,
    'INDEX_UNAVAILABLE',
    'outage',
    'disk usage exceeded flood-stage watermark',
  ],
  [
    'cluster_block_exception',
    403,
    'INDEX_UNAVAILABLE',
    'outage',
    'index [a] blocked by: [FORBIDDEN/12/read-only (api)]',
  ],
  ['unavailable_shards_exception', 503, 'INDEX_UNAVAILABLE', 'outage'],
  [
    'validation_exception',
    400,
    'INDEX_UNAVAILABLE',
    'outage',
    'this action would add [2] shards, but this cluster currently has [1000]/[1000] maximum normal shards open',
  ],
  ['validation_exception', 400, 'INDEX_UNKNOWN_ITEM_ERROR', 'suspect', 'something else'],
  ['index_closed_exception', 400, 'INDEX_UNAVAILABLE', 'outage'],
  ['process_cluster_event_timeout_exception', 503, 'INDEX_TIMEOUT', 'outage'],
  ['security_exception', 403, 'INDEX_MISCONFIGURED', 'setting'],
  ['index_not_found_exception', 404, 'INDEX_MISCONFIGURED', 'setting'],
  ['never_heard_of_exception', 400, 'INDEX_UNKNOWN_ITEM_ERROR', 'suspect'],
  ['never_heard_of_exception', 429, 'INDEX_OVERLOADED', 'outage'],
  ['never_heard_of_exception', 500, 'INDEX_UNAVAILABLE', 'outage'],
  ['never_heard_of_exception', 413, 'INDEX_TOO_LARGE', 'record'],
  ['toString', 400, 'INDEX_UNKNOWN_ITEM_ERROR', 'suspect'],
]

for (const [type, status, code, kind, reason] of itemRows) {
  test(`an item with ${type}, status ${status}${reason === undefined ? '' : ` (${reason})`} is ${kind}`, () => {
    const error = classifyItemError({ type, status, reason })
    assert.deepEqual([error.code, error.kind], [code, kind])
    assert.match(error.message, new RegExp(type))
  })
}

test('an item without a type is decided by its status', () => {
  assert.equal(classifyItemError({ status: 400, type: undefined, reason: undefined }).kind, 'suspect')
  assert.equal(classifyItemError({ status: 503, type: undefined, reason: undefined }).kind, 'outage')
})

test('the value that did not fit is not repeated', () => {
  const reason =
    "[1:12] failed to parse field [n] of type [long] in document with id 'x'. Preview of field's value: 'my secret'"
  const { message } = classifyItemError({ status: 400, type: 'document_parsing_exception', reason })
  assert.match(message, /failed to parse field \[n\]/)
  assert.doesNotMatch(message, /secret/)
})

test('a field of ours whose type was guessed from another document is said to lack the template; a field of theirs is not', () => {
  const messageOf = (field: string) => {
    const reason = `[1:12] failed to parse field [${field}] of type [date] in document with id 'x'.`
    const error = classifyItemError({ status: 400, type: 'document_parsing_exception', reason })
    assert.deepEqual([error.code, error.kind], ['INDEX_REJECTED', 'record'])
    return error.message
  }
  assert.match(messageOf('entities.text'), /enrichd setup/)
  assert.doesNotMatch(messageOf('user.text'), /enrichd setup/)
})

let fake: FakeElasticsearch
let client: Client
before(async () => {
  fake = await startFakeElasticsearch()
  client = clientOf(fake.url)
})
after(async () => {
  await client.close()
  await fake.close()
})

function clientOf(url: string): Client {
  return elasticsearchClient({ nodes: [url], requestTimeoutMs: 300, compression: false, maxConnections: 4 })
}

async function failureOf(answer: BulkAnswer, over = client): Promise<EnrichdError> {
  fake.onBulk = () => answer
  const item = { index: 'i', id: '1', document: sinkDocument({ message: 'private text' }) }
  const bulk = elasticsearchBulk(over, { opType: 'index' }).bulk([item], new AbortController().signal)
  return bulk.then(
    () => assert.fail('it succeeded'),
    (error: unknown) => (error instanceof EnrichdError ? error : assert.fail(String(error))),
  )
}

const typed = (status: number, type: string, reason = 'because'): BulkAnswer => ({
  status,
  body: { error: { root_cause: [], type, reason }, status },
})
type RequestRow = readonly [name: string, answer: BulkAnswer, code: ErrorCode, kind: FailureKind]
const requestRows: readonly RequestRow[] = [
  ['429 without a body of use', { status: 429 }, 'INDEX_OVERLOADED', 'outage'],
  [
    '429 es_rejected_execution_exception',
    typed(429, 'es_rejected_execution_exception'),
    'INDEX_OVERLOADED',
    'outage',
  ],
  ['429 circuit_breaking_exception', typed(429, 'circuit_breaking_exception'), 'INDEX_OVERLOADED', 'outage'],
  ['503 from a proxy', { status: 503, body: '<html>' }, 'INDEX_OVERLOADED', 'outage'],
  ['503 cluster_block_exception', typed(503, 'cluster_block_exception'), 'INDEX_UNAVAILABLE', 'outage'],
  [
    '503 master_not_discovered_exception',
    typed(503, 'master_not_discovered_exception'),
    'INDEX_UNAVAILABLE',
    'outage',
  ],
  ['500', { status: 500 }, 'INDEX_UNAVAILABLE', 'outage'],
  ['502 from a proxy', { status: 502, body: '<html>' }, 'INDEX_UNAVAILABLE', 'outage'],
  ['504', { status: 504 }, 'INDEX_TIMEOUT', 'outage'],
  ['408', { status: 408 }, 'INDEX_TIMEOUT', 'outage'],
  ['413 from a proxy', { status: 413, body: '<html>' }, 'INDEX_TOO_LARGE', 'record'],
  ['401 security_exception', typed(401, 'security_exception'), 'INDEX_MISCONFIGURED', 'setting'],
  ['403 security_exception', typed(403, 'security_exception'), 'INDEX_MISCONFIGURED', 'setting'],
  [
    '404 index_not_found_exception',
    typed(404, 'index_not_found_exception'),
    'INDEX_MISCONFIGURED',
    'setting',
  ],
  ['404 from something else', { status: 404, body: 'no such page' }, 'INDEX_MISCONFIGURED', 'setting'],
  ['405', { status: 405 }, 'INDEX_MISCONFIGURED', 'setting'],
  ['407', { status: 407 }, 'INDEX_MISCONFIGURED', 'setting'],
  ['415', { status: 415 }, 'INDEX_MISCONFIGURED', 'setting'],
  ['400 of an unknown type', typed(400, 'never_heard_of_exception'), 'INDEX_MISCONFIGURED', 'setting'],
  [
    '400 of a type that would be the record’s in an item',
    typed(400, 'mapper_parsing_exception'),
    'INDEX_MISCONFIGURED',
    'setting',
  ],
  [
    'a redirect',
    { status: 302, headers: { location: '/login' }, body: '' },
    'INDEX_MISCONFIGURED',
    'setting',
  ],
  ['HTML with a 200', { status: 200, body: '<html>' }, 'INDEX_MISCONFIGURED', 'setting'],
  [
    'a 200 that is not from Elasticsearch',
    { status: 200, body: {}, noProductHeader: true },
    'INDEX_MISCONFIGURED',
    'setting',
  ],
  [
    'a 200 cut off in its JSON',
    { status: 200, body: '{"items":[', headers: { 'content-type': 'application/json' } },
    'INDEX_BAD_ANSWER',
    'outage',
  ],
  ['a 200 without items', { status: 200, body: { errors: false } }, 'INDEX_BAD_ANSWER', 'outage'],
  [
    'a 200 with too few items',
    { status: 200, body: { errors: false, items: [] } },
    'INDEX_BAD_ANSWER',
    'outage',
  ],
  [
    'a 200 with an item without a status',
    { status: 200, body: { items: [{ index: {} }] } },
    'INDEX_BAD_ANSWER',
    'outage',
  ],
  ['a 200 with an item that is null', { status: 200, body: { items: [null] } }, 'INDEX_BAD_ANSWER', 'outage'],
  ['a reset', 'reset', 'INDEX_UNREACHABLE', 'outage'],
  ['no answer', 'hang', 'INDEX_TIMEOUT', 'outage'],
]

for (const [name, answer, code, kind] of requestRows) {
  test(`a bulk that ends with ${name} is ${kind}`, async () => {
    const error = await failureOf(answer)
    assert.deepEqual([error.code, error.kind], [code, kind], error.message)
    assert.ok(error.message.length > 0)
  })
}

test('a refused connection is an outage, and names the address', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  const refused = clientOf(`http://127.0.0.1:${port}`)
  const error = await failureOf('ok', refused)
  assert.deepEqual([error.code, error.kind], ['INDEX_UNREACHABLE', 'outage'])
  assert.match(error.message, new RegExp(`ECONNREFUSED 127.0.0.1:${port}`))
  await refused.close()
})

test('a name that cannot be resolved is an outage', async () => {
  const nowhere = clientOf('http://no-such-host.invalid:9200')
  assert.equal((await failureOf('ok', nowhere)).code, 'INDEX_UNREACHABLE')
  await nowhere.close()
})

test('a certificate that cannot be trusted is a wrong setting', () => {
  const error = classifyRequestError(
    new errors.ConnectionError('self-signed certificate in certificate chain'),
  )
  assert.deepEqual([error.code, error.kind], ['INDEX_MISCONFIGURED', 'setting'])
  assert.match(error.message, /elasticsearch\.tls/)
})

test('Retry-After is read in seconds and as a date, against the clock of the server', async () => {
  const seconds = await failureOf({ status: 429, headers: { 'retry-after': '7' } })
  assert.equal(seconds.retryAfterMs, 7000)
  const headers = { date: 'Wed, 21 Oct 2015 07:28:00 GMT', 'retry-after': 'Wed, 21 Oct 2015 07:28:09 GMT' }
  assert.equal((await failureOf({ status: 503, headers })).retryAfterMs, 9000)
  assert.equal((await failureOf({ status: 429, headers: { 'retry-after': 'soon' } })).retryAfterMs, undefined)
  assert.equal(
    (await failureOf({ status: 429, headers: { 'retry-after': '99999999' } })).retryAfterMs,
    3_600_000,
  )
})

test('whatever is thrown is classified', () => {
  for (const thrown of [
    undefined,
    null,
    'text',
    7,
    new TypeError('x'),
    new errors.ConfigurationError('x'),
    {},
  ]) {
    assert.ok(classifyRequestError(thrown) instanceof EnrichdError)
  }
  const known = new EnrichdError('INDEX_TIMEOUT', 'x', { kind: 'outage' })
  assert.equal(classifyRequestError(known), known)
})

test('an error holds neither the documents nor the credentials', async () => {
  const secret = elasticsearchClient({
    nodes: [fake.url],
    requestTimeoutMs: 300,
    compression: false,
    maxConnections: 1,
    apiKey: 'hunter2',
  })
  for (const answer of ['reset', 'hang', { status: 500 }, { status: 401 }] satisfies BulkAnswer[]) {
    const error = await failureOf(answer, secret)
    const { inspect } = await import('node:util')
    assert.doesNotMatch(inspect(error, { depth: 20, showHidden: true }), /private text|hunter2/)
    assert.ok(error.cause instanceof Error)
  }
  await secret.close()
})

test('a block says who can lift it', () => {
  const said = (reason: string) =>
    classifyItemError({ status: 429, type: 'cluster_block_exception', reason }).message
  const flood =
    'index [a] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block];'
  assert.match(said(flood), /; free disk space/)
  assert.match(said('index [a] blocked by: [FORBIDDEN/8/index write (api)];'), /; lift the block/)
})
