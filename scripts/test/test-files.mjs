import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Folders of `test/` that are not part of `npm test`: they are longer, and have commands of their own. */
const otherFolders = ['faults', 'bench']

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
    unit: all.filter((path) => !within(path, 'integration')),
    integration: all.filter((path) => within(path, 'integration')),
  }
}

function within(path, folder) {
  return path.startsWith(join('test', folder, '/'))
}
