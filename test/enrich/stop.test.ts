import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, it } from 'node:test'
import { Stop } from '../../src/enrich/stop.js'

const listenersOf = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

describe('Stop', () => {
  it('has one listener on a signal for all that wait, and none once the last one has ended', () => {
    const { signal } = new AbortController()
    const waiting = Array.from({ length: 100 }, () => new Stop([signal]))
    for (const each of waiting) assert.equal(each.signal.aborted, false)
    assert.equal(listenersOf(signal), 1)
    for (const each of waiting.slice(1)) each.dispose()
    assert.equal(listenersOf(signal), 1)
    waiting[0]?.dispose()
    assert.equal(listenersOf(signal), 0)
  })

  it('ends all that wait, also those that begin to wait after others have ended', () => {
    const controller = new AbortController()
    const first = new Stop([controller.signal])
    assert.equal(first.signal.aborted, false)
    first.dispose()
    const [second, third] = [new Stop([controller.signal]), new Stop([], controller.signal)]
    assert.deepEqual([second.signal.aborted, third.signal.aborted], [false, false])
    controller.abort()
    assert.deepEqual([second.signal.aborted, third.signal.aborted, first.signal.aborted], [true, true, false])
    assert.equal(new Stop([controller.signal]).signal.aborted, true)
  })
})
