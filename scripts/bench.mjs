import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildWhatIsStale, installWhatIsMissing } from './test/build.mjs'

/** Installs and builds what is missing, then runs one of the programs in `test/bench/`: the first argument names it. */
const [program, ...args] = process.argv.slice(2)
const root = resolve(fileURLToPath(import.meta.url), '../..')
await installWhatIsMissing(root)
await buildWhatIsStale(root)
const child = spawn(process.execPath, ['--import', 'tsx', `test/bench/${program}.ts`, ...args], {
  cwd: root,
  stdio: 'inherit',
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.once('exit', (code) => process.exit(code ?? 1))
