import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildWhatIsStale, installWhatIsMissing } from './test/build.mjs'
import { endChildren, run } from './test/children.mjs'
import { testFiles } from './test/test-files.mjs'
import { bringUpTestStack, wipeTestStacks } from './test/test-stack.mjs'

const usage = `npm test [-- --unit] [-- PART-OF-PATH…]

  Installs and builds what is missing, then runs the unit tests, and the integration tests on a real Kafka and a real
  Elasticsearch. --unit leaves the latter out. A part of a path chooses files.
`

const root = resolve(fileURLToPath(import.meta.url), '../..')
const name = `test-${process.pid}`
/** `npm run test:faults` takes hours, and says how many. */
const { TEST_HOURS } = process.env
const deadlineMs = TEST_HOURS === undefined ? 45 * 60_000 : Number(TEST_HOURS) * 3_600_000
const unit = { title: 'unit tests', concurrency: 2, timeoutMs: 2 * 60_000 }
const timeoutMs = TEST_HOURS === undefined ? 15 * 60_000 : deadlineMs
const integration = { title: 'integration tests', concurrency: 2, timeoutMs }
const alone = { title: 'integration tests, one file at a time', concurrency: 1, timeoutMs }

/** What the run came to; `failures` are those that no test stands for. */
const totals = { passed: 0, failed: 0, skipped: 0, failures: [] }

async function runTests(files, { title, concurrency, timeoutMs }, environment = {}) {
  if (files.length === 0) return
  console.log(`\n> ${title}: ${files.length} files`)
  const directory = mkdtempSync(join(tmpdir(), 'enrichd-test-'))
  const totalsFile = join(directory, 'totals.json')
  const args = [
    ...['--import', 'tsx', '--test', `--test-concurrency=${concurrency}`, `--test-timeout=${timeoutMs}`],
    ...(process.env.TEST_NAME ? [`--test-name-pattern=${process.env.TEST_NAME}`] : []),
    ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
    ...['--test-reporter=./scripts/test/totals-reporter.mjs', `--test-reporter-destination=${totalsFile}`],
  ]
  const { code } = await run(process.execPath, [...args, ...files], {
    cwd: root,
    env: { ...process.env, ...environment },
  })
  try {
    add(JSON.parse(readFileSync(totalsFile, 'utf8')), code, title)
  } catch {
    totals.failures.push(`${title}: the runner ended without a summary`)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function add({ pass, fail, cancelled, skipped, todo }, code, title) {
  totals.passed += pass
  totals.failed += fail + cancelled
  totals.skipped += skipped + todo
  if (code !== 0 && fail + cancelled === 0)
    totals.failures.push(`${title}: the runner ended with exit code ${code}`)
}

async function runIntegrationTests(files) {
  if (files.integration.length + files.alone.length === 0) return
  console.log('\n> a real Kafka and a real Elasticsearch')
  const { environment, skip } = await bringUpTestStack(root, name)
  if (skip) console.log(`The tests that need them are skipped: ${skip}.`)
  if (skip && process.env.CI === 'true') totals.failures.push(`with CI=true nothing may be skipped: ${skip}`)
  // The reason is reported once, here; with CI=true each file would fail for it again.
  const ours = skip ? { ...environment, CI: '' } : environment
  await runTests(files.integration, integration, ours)
  await runTests(files.alone, alone, ours)
}

async function runAll(argv) {
  const filters = argv.filter((argument) => !argument.startsWith('--'))
  await installWhatIsMissing(root)
  const files = testFiles(root, filters)
  if (Object.values(files).every(({ length }) => length === 0))
    throw new Error(`No test file matches ${filters.join(' ')}.`)
  await buildWhatIsStale(root)
  await runTests(files.unit, unit)
  if (!argv.includes('--unit')) await runIntegrationTests(files)
}

/** Once, whatever ends the run. @param {string} [failure] */
function finish(failure) {
  finished ??= (async () => {
    if (failure) totals.failures.push(failure)
    clearTimeout(deadline)
    endChildren()
    await wipeTestStacks(root, name)
    const { passed, failed, skipped, failures } = totals
    for (const line of failures) console.log(`\nFAILED: ${line}`)
    console.log(`\n${passed} passed, ${failed + failures.length} failed, ${skipped} skipped`)
    process.exit(failed + failures.length === 0 ? 0 : 1)
  })()
  return finished
}

/** @type {Promise<never> | undefined} */
let finished
const deadline = setTimeout(() => finish(`not done after ${deadlineMs / 60_000} minutes`), deadlineMs)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => void finish(`ended by ${signal}`))

const argv = process.argv.slice(2)
const unknown = argv.filter((argument) => argument.startsWith('--') && argument !== '--unit')
if (unknown.length > 0) {
  process.stderr.write(`${unknown.includes('--help') ? '' : `Unknown: ${unknown.join(' ')}\n\n`}${usage}`)
  process.exit(unknown.includes('--help') ? 0 : 2)
}
await runAll(argv).then(
  () => finish(),
  (error) => finish(error.message),
)
