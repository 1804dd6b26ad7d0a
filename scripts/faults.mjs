import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const usage = `npm run test:faults [-- PART-OF-PATH…]

  The fault laboratory in its long form (hours): every fault by itself, for 30 s each, twenty kills of each kind. FAULTS_SECONDS
  says how long each outage lasts (up to 600), FAULTS_SEED repeats a run, FAULTS_RESULTS names a file that takes the
  results as lines of JSON. A part of a path chooses files, for example \`nlp\`, and TEST_NAME tests in them, by a regular expression.
`

const parts = process.argv.slice(2)
if (parts.some((part) => part.startsWith('-'))) {
  process.stderr.write(usage)
  process.exit(parts.includes('--help') ? 0 : 2)
}
const program = fileURLToPath(new URL('test.mjs', import.meta.url))
const files = parts.length > 0 ? parts.map((part) => `test/faults/${part}`) : ['test/faults/']
const child = spawn(process.execPath, [program, ...files], {
  stdio: 'inherit',
  env: { ...process.env, FAULTS: 'all', TEST_HOURS: process.env.TEST_HOURS ?? '6' },
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.once('exit', (code) => process.exit(code ?? 1))
