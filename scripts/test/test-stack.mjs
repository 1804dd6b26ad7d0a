import { join } from 'node:path'
import { stackNames } from '../stack/state.mjs'
import { reasonNotAvailable } from '../stack/versions.mjs'
import { run } from './children.mjs'

/**
 * The environment for integration tests, with a stack that is up; see `test/support/stack.ts`, which reads it.
 *
 * @param {string} root the repository
 * @param {string} name the run's, which its stacks' names begin with
 * @returns {Promise<{ environment: Record<string, string>, skip?: string }>}
 */
export async function bringUpTestStack(root, name) {
  const { TEST_STACK_KAFKA, TEST_STACK_ES } = process.env
  if (TEST_STACK_KAFKA && TEST_STACK_ES) return { environment: { TEST_STACK_RUN: name } }
  const skip = reasonNotAvailable()
  if (skip) return { environment: { TEST_STACK_SKIP: skip }, skip }
  await wipeLeftovers(root)
  const { code, stdout } = await stack(root, ['up', '--name', name, '--json'])
  if (code !== 0) throw new Error('The stack for the integration tests did not come up.')
  const { kafka, elasticsearch } = JSON.parse(stdout)
  const addresses = { TEST_STACK_KAFKA: kafka.join(','), TEST_STACK_ES: elasticsearch }
  return { environment: { TEST_STACK_RUN: name, ...addresses } }
}

/** Wipes the run's stack and those that its tests have left. */
export async function wipeTestStacks(root, name) {
  for (const one of stackNames()) {
    if (one === name || one.startsWith(`${name}-`))
      await stack(root, ['wipe', '--name', one], { cleanUp: true })
  }
}

/** Wipes what runs that were killed have left: a run's stacks are named after its process. */
async function wipeLeftovers(root) {
  for (const name of stackNames()) {
    const [, pid] = /^test-(\d+)(-|$)/.exec(name) ?? []
    if (pid && !isAlive(Number(pid))) await stack(root, ['wipe', '--name', name])
  }
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function stack(root, args, options = {}) {
  const program = join(root, 'scripts/stack/stack.mjs')
  return run(process.execPath, [program, ...args], { output: true, ...options })
}
