import { randomUUID } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isRunning, processId } from './processes.mjs'

/**
 * Runs `work` while no other process runs under the same lock file. A lock whose owner is gone is taken over.
 *
 * @template T
 * @param {string} path the lock file
 * @param {() => Promise<T>} work
 * @param {(ownerPid: number) => void} [onWait] called once if we must wait
 * @returns {Promise<T>}
 */
export async function withLock(path, work, onWait) {
  mkdirSync(dirname(path), { recursive: true })
  const own = `${path}.${randomUUID()}`
  writeFileSync(own, JSON.stringify(processId(process.pid)))
  try {
    for (let waited = false; !take(own, path); waited = true) {
      const owner = readOwner(path)
      if (owner && !isRunning(owner)) rmSync(path, { force: true })
      else if (!waited && owner) onWait?.(owner.pid)
      await sleep(100)
    }
  } finally {
    rmSync(own, { force: true })
  }
  try {
    return await work()
  } finally {
    rmSync(path, { force: true })
  }
}

/** A link appears with its content, so that nobody reads a lock file that is half written. */
function take(own, path) {
  try {
    linkSync(own, path)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

function readOwner(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}
