import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Folders of `test/` that are not part of `npm test`: they are longer, and have commands of their own. */
const otherFolders = ['bench']
/** These a filter can name, as `npm run test:corenlp` does. */
const namedFolders = ['corenlp']
/** Folders whose tests need the servers. */
const serverFolders = ['integration', 'faults']
/** Of the faults `npm test` runs these, in their short form; `npm run test:faults` runs all, and a filter what it names. */
const shortFaults = ['kill.test.ts', 'negative-controls.test.ts'].map((name) => join('test', 'faults', name))

/** They measure times or how much is repeated, so nothing else may run beside them. */
const aloneFiles = ['drain', 'flow', 'demo'].map((name) => join('test', 'integration', `${name}.test.ts`))

/**
 * @param {string} root the repository
 * @param {string[]} filters parts of paths; none means all
 * @returns {{ unit: string[], integration: string[], alone: string[] }} paths from the repository, sorted; both
 *   `integration` and `alone` need the servers
 */
export function testFiles(root, filters) {
  const all = readdirSync(join(root, 'test'), { recursive: true })
    .map((path) => join('test', path))
    .filter((path) => path.endsWith('.test.ts') && !otherFolders.some((folder) => within(path, folder)))
    .filter((path) =>
      filters.length === 0 ? isDefault(path) : filters.some((filter) => path.includes(filter)),
    )
    .sort()
  return {
    unit: all.filter((path) => !needsServers(path)),
    integration: all.filter((path) => needsServers(path) && !isAlone(path)),
    alone: all.filter(isAlone),
  }
}

function isDefault(path) {
  if (namedFolders.some((folder) => within(path, folder))) return false
  return process.env['FAULTS'] === 'all' || !within(path, 'faults') || shortFaults.includes(path)
}

function isAlone(path) {
  return within(path, 'faults') || aloneFiles.includes(path)
}

function needsServers(path) {
  return serverFolders.some((folder) => within(path, folder))
}

function within(path, folder) {
  return path.startsWith(join('test', folder, '/'))
}
