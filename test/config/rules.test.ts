import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { loadConfig } from '../../src/config/load.js'
import { complaints, minimalEnvironment, problemsOf } from './minimal.js'

const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8')
const cert = fixture('cert.pem')
const otherCert = fixture('other-cert.pem')
const key = fixture('key.pem')
const encryptedKey = fixture('encrypted-key.pem')

function keysOf(environment: Readonly<Record<string, string>>): string[] {
  return problemsOf(() => loadConfig({ environment })).map((problem) => problem.key)
}

describe('what is required', () => {
  test('the Kafka settings where the source is Kafka, the nodes where the sink is Elasticsearch, the NLP address always', () => {
    const all = ['kafka.brokers', 'kafka.topics', 'kafka.groupId', 'nlp.url', 'elasticsearch.nodes']
    assert.deepEqual(keysOf({}), all)
    assert.deepEqual(keysOf({ ENRICHD_SOURCE_TYPE: 'stdin' }), ['nlp.url', 'elasticsearch.nodes'])
    assert.deepEqual(keysOf({ ENRICHD_SOURCE_TYPE: 'stdin', ENRICHD_SINK_TYPE: 'stdout' }), ['nlp.url'])
  })

  test('brokers also where only the dead letters go to Kafka', () => {
    const stdin = { ENRICHD_NLP_URL: 'http://a', ENRICHD_SOURCE_TYPE: 'stdin', ENRICHD_SINK_TYPE: 'stdout' }
    const toKafka = { ...stdin, ENRICHD_DEAD_LETTER_TYPE: 'kafka', ENRICHD_DEAD_LETTER_TOPIC: 'dead' }
    assert.deepEqual(keysOf(toKafka), ['kafka.brokers'])
  })

  test('a path for a file as source or sink', () => {
    assert.deepEqual(complaints({ 'source.type': 'file' }), ['source.path'])
    assert.deepEqual(complaints({ 'sink.type': 'file' }), ['sink.path'])
    assert.deepEqual(complaints({ 'sink.type': 'file', 'sink.path': 'a' }), [])
  })
})

describe('rules between settings of Kafka and the flow', () => {
  test('a heartbeat is at most half of the session', () => {
    const session = { 'kafka.sessionTimeoutMs': '6000' }
    assert.deepEqual(complaints({ ...session, 'kafka.heartbeatIntervalMs': '3000' }), [])
    assert.deepEqual(complaints({ ...session, 'kafka.heartbeatIntervalMs': '3001' }), [
      'kafka.heartbeatIntervalMs',
    ])
  })

  test('naming a dead letter topic is an error, matching one by a pattern is not', () => {
    assert.deepEqual(complaints({ 'kafka.topics': 'logs,logs.dead-letter' }), ['kafka.topics'])
    assert.deepEqual(complaints({ 'kafka.topics': 'logs,dead', 'deadLetter.topic': 'dead' }), [
      'kafka.topics',
    ])
    assert.deepEqual(complaints({ 'kafka.topics': 'logs,logs-dead-letter,/.*dead-letter/' }), [])
  })

  test('a login needs mechanism, user and password', () => {
    const sasl = (name: string) => `kafka.sasl.${name}`
    assert.deepEqual(complaints({ [sasl('mechanism')]: 'plain' }), [sasl('username'), sasl('password')])
    assert.deepEqual(complaints({ [sasl('username')]: 'u', [sasl('password')]: 'p' }), [sasl('mechanism')])
  })

  test('dead letters of a file cannot go to a topic named after their own', () => {
    const settings = { 'source.type': 'stdin', 'deadLetter.type': 'kafka' }
    assert.deepEqual(complaints(settings), ['deadLetter.topic'])
    assert.deepEqual(complaints({ ...settings, 'deadLetter.topic': 'dead' }), [])
  })
})

describe('rules between settings of the NLP service', () => {
  test('the longest delay is no shorter than the first', () => {
    assert.deepEqual(complaints({ 'nlp.retry.delayMs': '40000' }), ['nlp.retry.maxDelayMs'])
  })

  test('the embedded engine speaks no other protocol', () => {
    assert.deepEqual(complaints({ 'nlp.url': 'embedded:', 'nlp.protocol': 'corenlp' }), ['nlp.protocol'])
  })

  test('a bearer token and an Authorization header exclude each other', () => {
    assert.deepEqual(complaints({ 'nlp.bearerToken': 'a', 'nlp.headers': '{"authorization": "b"}' }), [
      'nlp.headers',
    ])
  })

  test('a body keeps {{text}} where escaping holds', () => {
    const http = { 'nlp.protocol': 'http', 'nlp.http.entity.text': '/text' }
    const body = (text: string, contentType = 'application/json') =>
      complaints({ ...http, 'nlp.http.body': text, 'nlp.http.contentType': contentType })
    assert.deepEqual(body('{"inputs": "{{text}}"}'), [])
    assert.deepEqual(body('{"inputs": {{text}}}'), ['nlp.http.body'])
    assert.deepEqual(body('text={{text}}&a=b', 'application/x-www-form-urlencoded'), [])
    assert.deepEqual(body('{{text}}', 'text/plain; charset=utf-8'), [])
    assert.deepEqual(body('<t>{{text}}</t>', 'text/xml'), ['nlp.http.body'])
    assert.deepEqual(body('{"inputs": "text"}'), ['nlp.http.body'])
  })

  test('an entity has a text or a place, and one end only', () => {
    const entity = (names: readonly string[]) =>
      complaints({
        'nlp.protocol': 'http',
        ...Object.fromEntries(names.map((name) => [`nlp.http.entity.${name}`, `/${name}`])),
      })
    assert.deepEqual(entity(['text']), [])
    assert.deepEqual(entity(['start', 'length']), [])
    assert.deepEqual(entity([]), ['nlp.http.entity.text'])
    assert.deepEqual(entity(['start']), ['nlp.http.entity.text'])
    assert.deepEqual(entity(['start', 'end', 'length']), ['nlp.http.entity.length'])
  })
})

describe('rules between settings of Elasticsearch', () => {
  test('the largest batch is no smaller than a batch', () => {
    const settings = { 'elasticsearch.batchSize': '100', 'elasticsearch.maxBatchSize': '60' }
    assert.deepEqual(complaints(settings), ['elasticsearch.maxBatchSize'])
  })

  test('there is one way to log in, and it is complete', () => {
    const es = (name: string) => `elasticsearch.${name}`
    assert.deepEqual(complaints({ [es('username')]: 'u' }), [es('password')])
    assert.deepEqual(complaints({ [es('password')]: 'p' }), [es('username')])
    assert.deepEqual(complaints({ [es('username')]: 'u', [es('password')]: 'p', [es('apiKey')]: 'k' }), [
      es('apiKey'),
    ])
  })
})

describe('TLS', () => {
  const tls = (settings: Readonly<Record<string, string>>) =>
    complaints({
      'kafka.tls.enabled': 'true',
      ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [`kafka.tls.${name}`, value])),
    })

  test('a certificate and a key belong together, and are readable', () => {
    assert.deepEqual(tls({ ca: cert, cert, key }), [])
    assert.deepEqual(tls({ cert }), ['kafka.tls.key'])
    assert.deepEqual(tls({ key }), ['kafka.tls.cert'])
    assert.deepEqual(tls({ cert: otherCert, key }), ['kafka.tls'])
    assert.deepEqual(tls({ ca: cert.replace(/MII\w/, '####') }), ['kafka.tls'])
  })

  test('a passphrase opens the key or is refused', () => {
    assert.deepEqual(tls({ cert, key: encryptedKey, passphrase: 'canary-passphrase' }), [])
    assert.deepEqual(tls({ cert, key: encryptedKey, passphrase: 'wrong' }), ['kafka.tls'])
  })

  test('settings of TLS on a connection without it are an error', () => {
    assert.deepEqual(complaints({ 'kafka.tls.ca': cert }), ['kafka.tls.enabled'])
    assert.deepEqual(complaints({ 'nlp.tls.ca': cert }), ['nlp.url'])
    assert.deepEqual(complaints({ 'elasticsearch.tls.enabled': 'true' }), ['elasticsearch.nodes'])
    const https = { 'nlp.url': 'https://a', 'elasticsearch.nodes': 'https://a,https://b' }
    const both = { 'nlp.tls.enabled': 'true', 'elasticsearch.tls.ca': cert }
    assert.deepEqual(complaints({ ...https, ...both }), [])
  })
})

test('the minimum itself is without problems', () => {
  assert.deepEqual(keysOf(minimalEnvironment), [])
})
