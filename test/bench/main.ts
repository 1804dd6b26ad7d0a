import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { adaptive } from './scenarios/adaptive.js'
import { batches } from './scenarios/batches.js'
import { cache } from './scenarios/cache.js'
import { cpu } from './scenarios/cpu.js'
import { endToEnd } from './scenarios/end-to-end.js'
import { latency } from './scenarios/latency.js'
import { linear } from './scenarios/linear.js'
import { memory } from './scenarios/memory.js'
import { start } from './scenarios/start.js'
import { holds, type Scenario, type ScenarioResult } from './support/bench.js'
import { BenchStack } from './support/bench-stack.js'
import { NlpStub } from './support/nlp-stub.js'
import { machine, reportText } from './support/report.js'

const scenarios: Readonly<Record<string, Scenario>> = {
  cpu,
  latency,
  start,
  'end-to-end': endToEnd,
  batches,
  adaptive,
  cache,
  memory,
  linear,
}

const usage = `npm run bench [-- SCENARIO…] [options]

  Measures the daemon beside bounds that are measured in the same run, on servers of its own (or those that
  TEST_STACK_KAFKA and TEST_STACK_ES name).

  SCENARIO         ${Object.keys(scenarios).join(', ')}; default: all
  --quick          less of everything, once: to see that it works
  --repetitions N  of everything that is compared (3; with --quick 1)
  --check          exit 1 if a ratio misses its bound
  --json FILE      where the results go (.bench/results.json)
  --keep           leaves the servers running
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    repetitions: { type: 'string' },
    check: { type: 'boolean', default: false },
    json: { type: 'string', default: '.bench/results.json' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const chosen = positionals.length > 0 ? positionals : Object.keys(scenarios)
const unknown = chosen.filter((name) => !(name in scenarios))

async function measure(): Promise<Record<string, ScenarioResult>> {
  const directory = mkdtempSync(join(tmpdir(), 'enrichd-bench-'))
  const stack = await BenchStack.up()
  const nlp = await NlpStub.start()
  const bench = {
    ...{ stack, nlp, directory, quick: values.quick },
    repetitions: Number(values.repetitions ?? (values.quick ? 1 : 3)),
    tell: (line: string) => process.stderr.write(`${line}\n`),
  }
  const results: Record<string, ScenarioResult> = {}
  for (const name of chosen) {
    const scenario = scenarios[name]
    if (scenario === undefined) continue
    bench.tell(`${name}: ${scenario.title}`)
    const result = await scenario.run(bench)
    results[name] = result
    mkdirSync(dirname(values.json), { recursive: true })
    writeFileSync(values.json, `${JSON.stringify({ machine: machine(), results }, null, 2)}\n`)
    console.log(reportText(scenario.title, result))
  }
  await nlp.stop()
  await stack.close()
  return results
}

if (values.help || unknown.length > 0) {
  process.stderr.write(unknown.length > 0 ? `There is no scenario ${unknown.join(', ')}.\n\n${usage}` : usage)
  process.exit(values.help ? 0 : 2)
}
try {
  const results = await measure()
  const missed = Object.values(results).flatMap(({ checks }) => checks.filter((check) => !holds(check)))
  if (values.check && missed.length > 0) process.exitCode = 1
} finally {
  if (!values.keep) await BenchStack.wipe()
}
