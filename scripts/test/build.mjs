import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './children.mjs'

/**
 * Installs the packages if there are none.
 *
 * @param {string} root
 * @param {typeof runNpm} [npm] how npm is run
 */
export async function installWhatIsMissing(root, npm = runNpm) {
  if (existsSync(join(root, 'node_modules', '.package-lock.json'))) return
  // The compiler is a development dependency, which NODE_ENV=production would leave out.
  await npm(root, ['ci', '--include=dev'])
}

/**
 * Builds the program if a source is newer than it.
 *
 * @param {string} root
 * @param {typeof runNpm} [npm] how npm is run
 */
export async function buildWhatIsStale(root, npm = runNpm) {
  const sources = Math.max(newest(join(root, 'src')), newest(join(root, 'tsconfig.json')))
  if (newest(join(root, 'dist')) > sources) return
  try {
    await npm(root, ['run', 'build'])
  } catch (error) {
    // The compiler writes files in spite of errors: they must not be taken for a build.
    rmSync(join(root, 'dist'), { recursive: true, force: true })
    throw error
  }
}

/** @param {string} root @param {string[]} args */
async function runNpm(root, args) {
  console.log(`> npm ${args.join(' ')}`)
  const { code } = await run('npm', args, { cwd: root })
  if (code !== 0) throw new Error(`npm ${args.join(' ')} failed with exit code ${code}.`)
}

/** @returns {number} when the newest file under `path` was changed, in ms; 0 if there is none */
function newest(path) {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat?.isDirectory()) return stat?.mtimeMs ?? 0
  const times = readdirSync(path).map((name) => newest(join(path, name)))
  return Math.max(0, ...times)
}
