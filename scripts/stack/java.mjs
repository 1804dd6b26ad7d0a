import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { reachableByOthers, serverAccount } from './account.mjs'

/** A Java home and its feature version. @typedef {{ home: string, version: number }} Java */

const folders = [
  '/usr/lib/jvm',
  '/usr/lib64/jvm',
  '/usr/java',
  '/opt',
  '/opt/java',
  '/usr/local',
  '/Library/Java/JavaVirtualMachines',
  join(homedir(), '.sdkman/candidates/java'),
  join(homedir(), '.jdks'),
]

/** @type {Java[] | undefined} */
let known

/**
 * The oldest Java that is at least `minVersion`: servers are tried with the oldest that they support.
 *
 * @param {number} minVersion
 * @returns {Java | undefined}
 */
export function findJava(minVersion) {
  known ??= [...candidates()].map(inspect).filter((java) => java !== undefined)
  const fitting = known.filter((java) => java.version >= minVersion)
  return fitting.sort((a, b) => a.version - b.version)[0]
}

/** @returns {string | undefined} the path of `mvn` */
export function findMaven() {
  const homes = [process.env.MAVEN_HOME, process.env.M2_HOME].filter(Boolean)
  return [...homes.map((home) => join(home, 'bin', 'mvn')), onPath('mvn')].find(
    (path) => path && existsSync(path),
  )
}

function candidates() {
  const named = Object.keys(process.env).filter((key) => /^JAVA_HOME|^JDK_HOME/.test(key))
  const homes = named.map((key) => process.env[key]).filter(Boolean)
  const java = onPath('java')
  if (java) homes.push(dirname(dirname(realpathSync(java))))
  for (const folder of folders) {
    if (existsSync(folder)) homes.push(...readdirSync(folder).map((entry) => join(folder, entry)))
  }
  const withBundles = homes.flatMap((home) => [home, join(home, 'Contents', 'Home')])
  const real = withBundles
    .filter((home) => existsSync(join(home, 'bin', 'java')))
    .map((home) => realpathSync(home))
  return new Set(real)
}

/** @param {string} home @returns {Java | undefined} */
function inspect(home) {
  if (serverAccount() && !reachableByOthers(join(home, 'bin', 'java'))) return undefined
  const text =
    releaseFile(home) ?? spawnSync(join(home, 'bin', 'java'), ['-version'], { encoding: 'utf8' }).stderr
  const version = /version "(\d+)/i.exec(text ?? '') ?? /JAVA_VERSION="(\d+)/.exec(text ?? '')
  return version ? { home, version: Number(version[1]) } : undefined
}

function releaseFile(home) {
  const path = join(home, 'release')
  if (!existsSync(path)) return undefined
  const text = readFileSync(path, 'utf8')
  return text.includes('JAVA_VERSION=') ? text : undefined
}

function onPath(name) {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}
