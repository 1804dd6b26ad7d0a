import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { reasonNotAvailable } from '../stack/versions.mjs'

/** @typedef {'java' | 'docker' | 'embedded'} StackKind */
/** Why it is not available; undefined if it is. @typedef {() => Promise<string | undefined>} Probe */

export const stackKinds = ['java', 'docker', 'embedded']

/**
 * The stacks to try, best first: real servers through Maven, real servers in containers, none.
 *
 * @param {{ wanted?: StackKind, java?: Probe, docker?: Probe }} [options] `wanted`: that one and no other
 * @returns {AsyncGenerator<{ kind: StackKind, why: string }>} `why` it is this one
 */
export async function* stacksToTry({ wanted, java = whyNoJava, docker = whyNoDocker } = {}) {
  if (wanted) {
    yield { kind: wanted, why: 'as you asked' }
    return
  }
  const noJava = await java()
  if (noJava === undefined) yield { kind: 'java', why: 'Java 17 or newer and Maven are here' }
  const noDocker = await docker()
  const before = noJava === undefined ? '' : `${noJava}; `
  if (noDocker === undefined) yield { kind: 'docker', why: `${before}a Docker engine answers` }
  yield { kind: 'embedded', why: [noJava, noDocker].filter(Boolean).join('; ') || 'nothing else works here' }
}

async function whyNoJava() {
  return reasonNotAvailable()
}

const answerTimeoutMs = 10_000

async function whyNoDocker() {
  const docker = (args) => promisify(execFile)('docker', args, { timeout: answerTimeoutMs })
  try {
    await docker(['version', '--format', '{{.Server.Version}}'])
  } catch (error) {
    if (error.code === 'ENOENT') return 'Docker was not found'
    return 'no Docker engine answers'
  }
  try {
    await docker(['compose', 'version'])
    return undefined
  } catch {
    return 'a Docker engine answers, but `docker compose` is not installed'
  }
}
