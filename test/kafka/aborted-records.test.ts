import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hideAborted, type FetchedRecords } from '../../src/kafka/aborted-records.js'

/** `producer` in upper case writes within transactions. */
const record = (
  offset: number,
  producer: string,
  { end, key = 'k' }: { end?: 'abort' | 'commit'; key?: string } = {},
) => ({
  offset: String(offset),
  key: end === undefined ? Buffer.from(key) : Buffer.from([0, 0, 0, end === 'abort' ? 0 : 1]),
  isControlRecord: end !== undefined,
  batchContext: { producerId: producer, inTransaction: producer === producer.toUpperCase() },
})

/** The offsets of what is left to see. */
function seen(fetched: FetchedRecords): number[] {
  hideAborted(fetched)
  assert.deepEqual(fetched.abortedTransactions ?? [], [], 'nothing is left for kafkajs to filter')
  return fetched.messages.filter((each) => !each.isControlRecord).map(({ offset }) => Number(offset))
}

describe('records of aborted transactions', () => {
  const log = () => [
    record(10, 'A'),
    record(12, 'B'),
    record(19, 'c'),
    record(20, 'B'),
    record(21, 'A'),
    record(22, 'c'),
    record(23, 'B', { end: 'abort' }),
    record(24, 'A', { end: 'abort' }),
    record(25, 'A'),
    record(26, 'B'),
    record(27, 'A', { end: 'commit' }),
  ]
  const abortedTransactions = [
    { producerId: 'B', firstOffset: '12' },
    { producerId: 'A', firstOffset: '10' },
  ]

  it('are hidden where they overlap, and others of the same producers are not', () => {
    assert.deepEqual(seen({ abortedTransactions, messages: log() }), [19, 22, 25, 26])
  })

  it('are hidden where reading begins in the middle of them', () => {
    for (const from of [11, 12, 13, 20, 21]) {
      const messages = log().filter(({ offset }) => Number(offset) >= from)
      assert.deepEqual(
        seen({ abortedTransactions, messages }),
        [19, 22, 25, 26].filter((offset) => offset >= from),
      )
    }
  })

  it('are hidden also behind a record whose key looks like the end of a transaction', () => {
    const messages = [
      record(10, 'A', { key: '\0\0\0\0' }),
      record(11, 'A'),
      record(12, 'A', { end: 'abort' }),
      record(13, 'A'),
    ]
    const aborted = [{ producerId: 'A', firstOffset: '10' }]
    assert.deepEqual(seen({ abortedTransactions: aborted, messages }), [13])
  })

  it('are seen where the brokers name none', () => {
    for (const none of [{ abortedTransactions: null }, { abortedTransactions: [] }, {}])
      assert.deepEqual(seen({ ...none, messages: log() }).length, 8)
  })

  it('of an old format are none', () => {
    const messages = [{ offset: '10', key: null, isControlRecord: false }]
    assert.deepEqual(seen({ abortedTransactions, messages }), [10])
  })
})
