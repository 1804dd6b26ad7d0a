import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { BenchStack } from './support/bench-stack.js'
import { flameGraph, profileScript } from './support/flame-graph.js'
import { measureBacklog } from './support/measure-backlog.js'
import { NlpStub } from './support/nlp-stub.js'
import { busySeconds, longestSections, parseProfile, selfTimes } from './support/self-times.js'
import { daemon } from './support/subjects.js'

const usage = `npm run bench:profile [-- options]

  Profiles the daemon while it works off a backlog without NLP latency, C = 256, and writes to .bench/profile/ what V8 has
  recorded (daemon.cpuprofile, for the developer tools of Chrome or speedscope) and a flame graph to be opened from there in
  a browser (flame-graph.html, which reads the flame-graph.js beside it). Prints where the time went.

  --records N        50000
  --set KEY=VALUE    a setting of the daemon, repeatable
  --keep             leaves the servers running
`

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '50000' },
    set: { type: 'string', multiple: true, default: [] },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const directory = '.bench/profile'

async function record(): Promise<string> {
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  const stack = await BenchStack.up()
  const nlp = await NlpStub.start()
  const tell = (line: string) => process.stderr.write(`${line}\n`)
  const bench = { stack, nlp, directory, quick: true, repetitions: 1, tell }
  const records = Number(values.records)
  const settings = Object.fromEntries(
    values.set.map((pair) => [pair.split('=', 1)[0] ?? '', pair.slice(pair.indexOf('=') + 1)]),
  )
  const nodeOptions = ['--cpu-prof', '--cpu-prof-interval=500', `--cpu-prof-dir=${directory}`]
  const subject = daemon('enrichd', { 'nlp.maxConcurrency': 256, ...settings }, { nodeOptions })
  const run = await measureBacklog(bench, subject, { topic: await stack.backlog({ records }), records })
  await nlp.stop()
  await stack.close()
  console.log(
    `${run.recordsPerSecond.toFixed(0)} records/s, ${run.cpuUsPerRecord.toFixed(0)} µs of CPU a record, profiled`,
  )
  const profiles = readdirSync(directory).filter((name) => name.endsWith('.cpuprofile'))
  const texts = profiles.map((name) => readFileSync(join(directory, name), 'utf8'))
  for (const name of profiles) rmSync(join(directory, name))
  const longest = texts.toSorted((a, b) => b.length - a.length)[0]
  if (longest === undefined) throw new Error('the daemon left no profile')
  return longest
}

if (values.help) {
  process.stderr.write(usage)
  process.exit(0)
}
try {
  const text = await record()
  writeFileSync(join(directory, 'daemon.cpuprofile'), text)
  const { page, script } = flameGraph('enrichd', text)
  writeFileSync(join(directory, 'flame-graph.html'), page)
  writeFileSync(join(directory, profileScript), script)
  const profile = parseProfile(text)
  console.log(`busy ${busySeconds(profile).toFixed(1)} s; the share of it that was spent in`)
  for (const by of ['room', 'function'] as const) {
    console.log(`\nself time by ${by}`)
    for (const { name, share } of selfTimes(profile, by).slice(0, 40)) {
      console.log(`${(share * 100).toFixed(1).padStart(6)} %  ${name}`)
    }
  }
  console.log('\nlongest without a break (the first second is that of the start)')
  for (const { atMs, forMs, name } of longestSections(profile).slice(0, 10))
    console.log(`${forMs.toFixed(0).padStart(6)} ms  at ${(atMs / 1000).toFixed(1)} s  ${name}`)
  console.log(`\n${directory}/flame-graph.html, ${directory}/daemon.cpuprofile`)
} finally {
  if (!values.keep) await BenchStack.wipe()
}
