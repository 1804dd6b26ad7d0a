import { createHash } from 'node:crypto'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { reachableByOthers, serverAccount } from './account.mjs'

const repository = resolve(fileURLToPath(import.meta.url), '../../..')

/** @param {string} wanted @param {string} otherwise taken where the servers' account cannot reach the first */
function reachable(wanted, otherwise) {
  return serverAccount() === undefined || reachableByOthers(wanted) ? wanted : otherwise
}

/** Where the fetched servers are kept, shared by all clones: `$STACK_CACHE`, else the user's cache directory. */
export function cacheDirectory() {
  if (process.env.STACK_CACHE) return resolve(process.env.STACK_CACHE)
  const base = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  return reachable(join(base, 'enrichd', 'stack'), '/var/cache/enrichd/stack')
}

/** Holds one directory per stack of this clone: `.stack` in it. */
export function stacksDirectory() {
  const clone = createHash('sha256').update(repository).digest('hex').slice(0, 8)
  return reachable(join(repository, '.stack'), `/var/lib/enrichd-stack/${clone}`)
}
