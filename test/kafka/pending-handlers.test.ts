import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PendingHandlers } from '../../src/kafka/pending-handlers.js'

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })

describe('PendingHandlers', () => {
  it('keeps the heartbeat while a handler is pending, and only then', async () => {
    const pending = new PendingHandlers(1)
    let beats = 0
    const beat = async () => {
      beats++
    }
    await pending.run(beat, async () => {
      while (beats < 3) await new Promise((resolve) => setImmediate(resolve))
    })
    const after = beats
    await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal(beats, after)
  })

  it('ends every handler with the error of a heartbeat that fails', async () => {
    const pending = new PendingHandlers(1)
    const rebalance = new Error('the group is rebalancing')
    const handle = async (signal: AbortSignal) => aborted(signal)
    const runs = [1, 2].map(() => pending.run(() => Promise.reject(rebalance), handle))
    for (const run of runs) await assert.rejects(run, rebalance)
  })

  it('gives no result of a handler that was aborted, so that no position is taken from it', async () => {
    const pending = new PendingHandlers(1000)
    const run = pending.run(
      () => Promise.resolve(),
      async (signal) => {
        await aborted(signal)
        return 42
      },
    )
    pending.abort()
    assert.equal(await run, undefined)
    assert.equal(
      await pending.run(
        () => Promise.resolve(),
        () => Promise.resolve(42),
      ),
      42,
    )
  })
})
