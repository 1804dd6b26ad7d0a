import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { hasEnded, ownPlace } from '../../src/kafka/process-place.js'

const own = ownPlace()
const skip = own === undefined && 'this system does not tell where a process runs'

describe('the place of a process', { skip }, () => {
  assert.ok(own)

  it('tells the end of another process here, and not before', async () => {
    const child = spawn('sleep', ['60'])
    assert.ok(child.pid)
    const place = { ...own, pid: child.pid }
    assert.equal(hasEnded(place, own), false)
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.equal(hasEnded(place, own), true)
  })

  it('tells nothing of what ran elsewhere, nor of this very process', async () => {
    const child = spawn('true')
    await once(child, 'exit')
    assert.ok(child.pid)
    assert.equal(hasEnded({ home: 'elsewhere', pid: child.pid }, own), false)
    assert.equal(hasEnded(own, own), false)
    assert.equal(hasEnded({ ...own, pid: 1 }, own), false)
  })
})
