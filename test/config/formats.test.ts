import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { complaints, load } from './minimal.js'

/** Every value is taken, or every value is refused, for this key. */
function verdicts(key: string, taken: readonly string[], refused: readonly string[]): void {
  for (const value of taken) assert.deepEqual(complaints({ [key]: value }), [], `${key}=${value}`)
  for (const value of refused) assert.deepEqual(complaints({ [key]: value }), [key], `${key}=${value}`)
}

describe('formats', () => {
  test('booleans are true or false and nothing else', () => {
    verdicts('nlp.adaptive', ['true', 'false'], ['yes', 'no', '1', '0', 'off', 'True', '', ' true'])
  })

  test('whole numbers stay within their range', () => {
    verdicts(
      'nlp.maxConcurrency',
      ['1', '10000'],
      ['0', '10001', '-1', '1.5', '1e3', '0x10', '', 'NaN', '10ms'],
    )
  })

  test('a rate may be a fraction', () => {
    verdicts('nlp.maxRequestsPerSecond', ['0', '0.5', '50'], ['-1', 'Infinity', 'many'])
  })

  test('sizes may carry a unit, and the unit counts towards the range', () => {
    assert.equal(load({ 'elasticsearch.batchBytes': '2MiB' }).config.elasticsearch.batchBytes, 2_097_152)
    verdicts(
      'elasticsearch.batchBytes',
      ['1024', '1KiB', '100MiB'],
      ['1023', '1GiB', '5MB', '1.5MiB', '5 MiB', 'KiB'],
    )
  })

  test('a list is separated by commas, or a JSON array where an item holds one', () => {
    assert.deepEqual(load({ 'kafka.topics': 'a, b ,/^c.*/' }).config.kafka.topics, ['a', 'b', '/^c.*/'])
    assert.deepEqual(load({ 'kafka.topics': '["a", "/b{1,2}/"]' }).config.kafka.topics, ['a', '/b{1,2}/'])
    verdicts('kafka.topics', [], ['', 'a,,b', '["a"', '[1]'])
  })

  test('a broker is host:port, IPv6 in brackets', () => {
    verdicts(
      'kafka.brokers',
      ['a:1', 'a-b.c:9092,d:1', '[::1]:9092'],
      ['a', 'a:0', 'a:70000', 'http://a:9092', ':9092'],
    )
  })

  test('a topic is a name that is not Kafka’s own, or a regular expression that compiles', () => {
    verdicts(
      'kafka.topics',
      ['a.b_c-D', '/^a|b$/'],
      ['__consumer_offsets', 'a b', '..', '/(/', 'ä', 'a'.repeat(250)],
    )
  })

  test('an address of the NLP service is http, https or embedded:', () => {
    verdicts(
      'nlp.url',
      ['http://a', 'HTTPS://a:1/b?c=d', 'embedded:'],
      ['a:80', 'ftp://a', 'embedded', 'http://', 'http://u:p@a', ''],
    )
  })

  test('a protocol is one of ours or a module', () => {
    verdicts('nlp.protocol', ['enrichd', 'corenlp', './own.mjs', '/opt/own.js'], ['grpc', './own.ts', ''])
  })

  test('an index name has a fixed legal beginning and known date placeholders', () => {
    verdicts(
      'elasticsearch.index',
      ['logs', 'logs-{yyyy}', 'a-{topic}-{service.name}-{yyyy}.{MM}.{dd}-{HH}'],
      [
        '{topic}',
        'Logs-a',
        '-a',
        '_a',
        '.a',
        'a b',
        'a/b',
        'a{',
        'a{}',
        'a}b',
        'a-{YYYY}',
        'a-{yyyy.MM.dd}',
        'a-{yyyy-MM}',
        'a-{mm}',
        'a*',
        'a:b',
        '',
      ],
    )
  })

  test('an index that a stock server turns into a data stream is for create only', () => {
    verdicts(
      'elasticsearch.index',
      ['logs-{yyyy}', 'logs', 'app-logs-x-y'],
      ['logs-{yyyy}-{MM}', 'logs-app-prod', 'logs-{topic}', 'metrics-a-b', 'synthetics-a-b'],
    )
    assert.deepEqual(
      complaints({ 'elasticsearch.index': 'logs-app-prod', 'elasticsearch.opType': 'create' }),
      [],
    )
  })

  test('a dead letter topic is not the topic itself', () => {
    verdicts(
      'deadLetter.topic',
      ['dead', '{topic}.dlq', 'x-{topic}-y'],
      ['{topic}', '{other}', 'a b', '__x', ''],
    )
  })

  test('headers are a JSON object of texts', () => {
    assert.deepEqual(load({ 'nlp.headers': '{"X-Key": "a, b"}' }).config.nlp.headers, { 'X-Key': 'a, b' })
    verdicts(
      'nlp.headers',
      ['{}'],
      ['x', '[]', 'null', '{"a": 1}', '{"a b": "c"}', '{"a": "b\\r\\nc: d"}', ''],
    )
  })

  test('a JSON pointer is empty or begins with a slash', () => {
    verdicts('nlp.http.entities', ['', '/a/0/b~1c'], ['a', '/a~2'])
  })

  test('a fingerprint is 64 hexadecimal digits, with or without colons', () => {
    const https = { 'elasticsearch.nodes': 'https://a' }
    for (const fingerprint of ['aB'.repeat(32), Array(32).fill('0f').join(':')]) {
      assert.deepEqual(complaints({ ...https, 'elasticsearch.tls.fingerprint': fingerprint }), [])
    }
    verdicts('elasticsearch.tls.fingerprint', [], ['aB'.repeat(31), 'xy'.repeat(32)])
  })

  test('PEM that is the path of a file says how to give a path', () => {
    verdicts('kafka.tls.ca', [], ['/etc/ca.pem'])
  })
})
