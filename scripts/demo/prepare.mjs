import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildWhatIsStale, installWhatIsMissing } from '../test/build.mjs'
import { run } from '../test/children.mjs'
import { waitLine, workLine } from './show.mjs'

/**
 * Installs the packages and builds the program where that is missing, and shows how it goes.
 *
 * @param {import('./show.mjs').Screen} screen
 * @param {string} root the repository
 */
export async function prepare(screen, root) {
  const done = []
  const npm = async (_, args) => {
    const begun = performance.now()
    const installs = args[0] === 'ci'
    const { blocks } = screen
    const packages = packagesOf(root)
    screen.live((width) =>
      installs
        ? workLine({ ...howMany(packages), behind: 'packages', width, blocks })
        : waitLine({ what: 'building', begun, width, blocks }),
    )
    const said = []
    const { code, stdout } = await run('npm', args, {
      cwd: root,
      output: true,
      onStderr: (text) => said.push(text),
    }).finally(() => screen.endLive())
    const command = `npm ${args.join(' ')}`
    if (code !== 0) throw new Error(`${command} failed:\n${said.join('')}${stdout}`.trimEnd())
    done.push(`${installs ? 'packages' : 'program'} ${((performance.now() - begun) / 1000).toFixed(0)} s`)
  }
  await installWhatIsMissing(root, npm)
  await buildWhatIsStale(root, npm)
  screen.item('program', done.length === 0 ? 'is built already' : `installed and built (${done.join(', ')})`)
}

/** npm does not say how far it is; a package is there once its own file is. */
function packagesOf(root) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  const paths = Object.keys(packages).filter((path) => path !== '' && !packages[path].optional)
  return paths.map((path) => join(root, path, 'package.json'))
}

function howMany(files) {
  return { done: files.filter((file) => existsSync(file)).length, total: files.length }
}
