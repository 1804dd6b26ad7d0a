import { readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Elasticsearch refuses to run as root, so root starts the servers as `nobody`.
 *
 * @typedef {{ uid: number, gid: number }} Account
 * @returns {Account | undefined} the account to start servers as; undefined for the one that we have
 */
export function serverAccount() {
  if (process.getuid?.() !== 0) return undefined
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith('nobody:'))
  const [uid, gid] = line ? line.split(':').slice(2, 4).map(Number) : []
  return { uid: uid || 65534, gid: gid || 65534 }
}

/**
 * Whether another account can get to `path`, or to its nearest ancestor that exists: all of them must be open to others.
 *
 * @param {string} path absolute
 */
export function reachableByOthers(path) {
  for (let at = path; ; at = dirname(at)) {
    const stat = statSync(at, { throwIfNoEntry: false })
    if (stat && (stat.mode & 0o001) === 0) return false
    if (at === dirname(at)) return true
  }
}
