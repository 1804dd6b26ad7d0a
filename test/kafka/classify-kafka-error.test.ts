import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EnrichdError } from '../../src/errors.js'
import { classifyKafkaError } from '../../src/kafka/classify-kafka-error.js'

const rows: readonly (readonly [string, object, string, string])[] = [
  [
    'a record that the broker finds too large',
    { type: 'MESSAGE_TOO_LARGE' },
    'KAFKA_RECORD_TOO_LARGE',
    'record',
  ],
  ['a topic that is not there', { type: 'UNKNOWN_TOPIC_OR_PARTITION' }, 'KAFKA_MISCONFIGURED', 'setting'],
  ['a topic that we may not touch', { type: 'TOPIC_AUTHORIZATION_FAILED' }, 'KAFKA_UNAUTHORIZED', 'setting'],
  ['a group that we may not join', { type: 'GROUP_AUTHORIZATION_FAILED' }, 'KAFKA_UNAUTHORIZED', 'setting'],
  ['a wrong password', { name: 'KafkaJSSASLAuthenticationError' }, 'KAFKA_UNAUTHORIZED', 'setting'],
  ['a commit of an old generation', { type: 'ILLEGAL_GENERATION' }, 'KAFKA_FENCED', 'outage'],
  ['a commit of a member that was evicted', { type: 'UNKNOWN_MEMBER_ID' }, 'KAFKA_FENCED', 'outage'],
  ['a commit in the middle of a rebalance', { type: 'REBALANCE_IN_PROGRESS' }, 'KAFKA_FENCED', 'outage'],
  ['offsets of a group that has members', { type: 'NON_EMPTY_GROUP' }, 'KAFKA_GROUP_IN_USE', 'setting'],
  ['a broker that refuses', { name: 'KafkaJSConnectionError' }, 'KAFKA_UNREACHABLE', 'outage'],
  ['a broker that does not answer', { name: 'KafkaJSRequestTimeoutError' }, 'KAFKA_UNREACHABLE', 'outage'],
  ['an error that nobody knows', { name: 'Whatever' }, 'KAFKA_FAILED', 'outage'],
]

describe('classifyKafkaError', () => {
  for (const [what, fields, code, kind] of rows) {
    it(`takes ${what} for ${code}, also when the client wrapped it`, () => {
      const error = Object.assign(new Error('what it said'), fields)
      for (const thrown of [error, Object.assign(new Error('retries exceeded'), { cause: error })]) {
        const classified = classifyKafkaError(thrown, 'doing a thing')
        assert.equal(classified.code, code)
        assert.equal(classified.kind, kind)
        assert.equal(classified.cause, thrown)
        assert.match(classified.message, /^Kafka, doing a thing: /)
      }
    })
  }

  it('is total, and leaves an error of ours as it is', () => {
    for (const thrown of [undefined, null, 'text', 7, {}])
      assert.equal(classifyKafkaError(thrown, 'x').code, 'KAFKA_FAILED')
    const ours = new EnrichdError('KAFKA_FENCED', 'ours', { kind: 'outage' })
    assert.equal(classifyKafkaError(ours, 'x'), ours)
  })
})
