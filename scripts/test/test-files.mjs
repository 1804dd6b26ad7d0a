import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Folders of `test/` that are not part of `npm test`: they are longer, and have commands of their own. */
const otherFolders = ['bench']
/** Folders whose tests need the servers. Of the faults, `npm test` runs the short form. */
const serverFolders = ['integration', 'faults']

/**
 * @param {string} root the repository
 * @param {string[]} filters parts of paths; none means all
 * @returns {{ unit: string[], integration: string[] }} paths from the repository, sorted
 */
export function testFiles(root, filters) {
  const all = readdirSync(join(root, 'test'), { recursive: true })
    .map((path) => join('test', path))
    .filter((path) => path.endsWith('.test.ts') && !otherFolders.some((folder) => within(path, folder)))
    .filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)))
    .sort()
  return {
    unit: all.filter((path) => !needsServers(path)),
    integration: all.filter(needsServers),
  }
}

function needsServers(path) {
  return serverFolders.some((folder) => within(path, folder))
}

function within(path, folder) {
  return path.startsWith(join('test', folder, '/'))
}
