import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const usage = `npm run soak

  Random faults, one after another, for half an hour, while one daemon works: nothing may be lost or doubled, and its memory,
  descriptors and timers must not grow. SOAK_MINUTES says how long, FAULTS_SEED repeats a run, FAULTS_RESULTS names a file that takes
  the result as a line of JSON.
`

if (process.argv.length > 2) {
  process.stderr.write(usage)
  process.exit(process.argv.includes('--help') ? 0 : 2)
}
const minutes = Number(process.env.SOAK_MINUTES ?? 30)
if (!(minutes > 0)) {
  process.stderr.write(`SOAK_MINUTES: expected a number above 0, got ${process.env.SOAK_MINUTES}\n`)
  process.exit(2)
}
const program = fileURLToPath(new URL('test.mjs', import.meta.url))
const child = spawn(process.execPath, [program, 'test/faults/soak'], {
  stdio: 'inherit',
  env: { ...process.env, SOAK_MINUTES: String(minutes), TEST_HOURS: String(minutes / 60 + 0.5) },
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.once('exit', (code) => process.exit(code ?? 1))
