import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { matchingTopics } from '../../src/source/resolve-topics.js'

const none = () => false

describe('topics by pattern', () => {
  it('are those that match, with the names beside them, sorted and once each', () => {
    const there = ['app-b', 'app-a', 'other']
    assert.deepEqual(matchingTopics(['named', '/^app/', '/a$/'], there, none), ['app-a', 'app-b', 'named'])
  })

  it('are never those of Kafka itself or of dead letters, however these are called', () => {
    const there = ['app', 'app.dead-letter', 'app-refused', '__consumer_offsets']
    const holdsDeadLetters = (topic: string) => topic === 'app-refused'
    assert.deepEqual(matchingTopics(['/./'], there, holdsDeadLetters), ['app'])
  })
})
