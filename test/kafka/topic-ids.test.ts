import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeTopicIds, encodeTopicsRequest } from '../../src/kafka/topic-ids.js'

describe('a request for the ids of topics', () => {
  it('names the topics in the compact form, and makes none of them', () => {
    const expected = [0, 2, ...Array<number>(16).fill(0), 5, ...Buffer.from('logs'), 0, 0, 0, 0, 0]
    assert.deepEqual([...encodeTopicsRequest(['logs'])], expected)
  })

  it('has an answer that gives the id of each topic that there is', () => {
    const id = 'a1'.repeat(16)
    const broker = [0, 0, 0, 1, 3, ...Buffer.from('::'), 0, 0, 35, 132, 0, 0]
    const partition = [...Array<number>(14).fill(0), 2, 0, 0, 0, 1, 2, 0, 0, 0, 1, 1, 0]
    const logs = [
      0,
      0,
      5,
      ...Buffer.from('logs'),
      ...Buffer.from(id, 'hex'),
      0,
      2,
      ...partition,
      0,
      0,
      0,
      0,
      0,
    ]
    const gone = [0, 3, 5, ...Buffer.from('gone'), ...Buffer.alloc(16), 0, 1, 0, 0, 0, 0, 0]
    const answer = [0, 0, 0, 0, 0, 2, ...broker, 0, 0, 0, 0, 1, 3, ...logs, ...gone, 0, 0, 0, 0, 0]
    assert.deepEqual([...decodeTopicIds(Buffer.from(answer))], [['logs', id]])
  })

  it('has an answer that is refused where it is cut short', () => {
    assert.throws(() => decodeTopicIds(Buffer.from([0, 0, 0, 0, 0, 2])), RangeError)
  })
})
