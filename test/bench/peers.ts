import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import type { ScenarioResult } from './support/bench.js'
import { BenchStack, daemonProgram } from './support/bench-stack.js'
import { ratioOf, rowsOf } from './support/compare-backlogs.js'
import { measurePeer, type PeerRun } from './support/measure-peer.js'
import { machine, reportText } from './support/report.js'

const usage = `npm run bench:peers -- --lab FOLDER [PEER…]

  Puts the peers of the lab beside the daemon and the bare loop, interleaved: the same records, bulks of 50, C = 256, no latency.
  The lab's setup.sh builds them and names the folder (also from PEERS_LAB). PEER: connect, connect-tuned, connect-batch,
  python, node, node-undici, parallel; default: connect, connect-tuned and python, as far as they are built.

  --records N      50000
  --repetitions N  3
  --json FILE      .bench/peers.json
  --keep           leaves the servers running
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    lab: { type: 'string' },
    records: { type: 'string', default: '50000' },
    repetitions: { type: 'string', default: '3' },
    json: { type: 'string', default: '.bench/peers.json' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

/** What is there once a peer is built. */
const built: Readonly<Record<string, string>> = {
  connect: 'connect/connect',
  'connect-tuned': 'connect/connect',
  python: 'py/v/bin/python',
}

const bareLoop = fileURLToPath(new URL('programs/bare-loop.mjs', import.meta.url))
const settings = [
  ['kafka.brokers', '$KAFKA'],
  ['kafka.topics', '$TOPIC'],
  ['kafka.groupId', '$GROUP'],
  ['nlp.url', '$NLP_URL'],
  ['nlp.maxConcurrency', '$C'],
  ['elasticsearch.nodes', '$ES_URL'],
  ['elasticsearch.index', '$INDEX'],
  ['admin.port', '0'],
]
const daemon = (maxBatchSize: number) =>
  shell(
    [process.execPath, daemonProgram, 'run'],
    [...settings, ['elasticsearch.maxBatchSize', maxBatchSize]].flatMap((pair) => ['--set', pair.join('=')]),
  )

/** Ours, as commands for the lab, which sets the variables. `exec`: it is this process that the lab measures. */
const ours: Readonly<Record<string, string>> = {
  'enrichd-50': daemon(50),
  'enrichd-500': daemon(500),
  'bare-loop': `env BULK_SIZE=50 ${process.execPath} ${bareLoop}`,
}

function shell(command: readonly string[], args: readonly string[]): string {
  const words = [...command.map((word) => `"${word}"`), ...args.map((arg) => `"${arg}"`)]
  return `sh -c 'exec ${words.join(' ')}'`
}

/** What the extra fields of our documents are mapped to: as `enrichd setup` has it. */
async function setUpIndex({ brokers, elasticsearch }: BenchStack, topic: string): Promise<void> {
  const set = {
    'kafka.brokers': brokers,
    'kafka.topics': topic,
    'kafka.groupId': 'bench-setup',
    'nlp.url': 'http://127.0.0.1:9/',
    'elasticsearch.nodes': elasticsearch,
    'elasticsearch.index': 'bench-enrichd-{yyyy}',
  }
  const args = Object.entries(set).flatMap(([key, value]) => ['--set', `${key}=${value}`])
  await promisify(execFile)(process.execPath, [daemonProgram, 'setup', ...args])
}

async function measure(lab: string): Promise<PeerRun[]> {
  const stack = await BenchStack.up()
  await setUpIndex(stack, await stack.emptyTopic(1))
  const wanted = positionals.length > 0 ? positionals : Object.keys(built)
  const peers = wanted.filter((peer) => existsSync(join(lab, built[peer] ?? '.')))
  const names = [...peers, ...Object.keys(ours)]
  const runs: PeerRun[] = []
  for (let repetition = 0; repetition < Number(values.repetitions); repetition++) {
    const shift = repetition % names.length
    for (const peer of [...names.slice(shift), ...names.slice(0, shift)]) {
      const command = ours[peer]
      const { brokers, elasticsearch } = stack
      const run = await measurePeer({
        lab,
        peer,
        command,
        brokers,
        elasticsearch,
        records: Number(values.records),
      })
      process.stderr.write(`${JSON.stringify(run)}\n`)
      runs.push(run)
    }
  }
  await stack.close()
  return runs
}

/** What the project promises to reach, by peer, ours and figure. */
const promises = [
  { peer: 'connect', our: 'enrichd-50', figure: 'recordsPerSecond', atLeast: 2.2 },
  { peer: 'connect', our: 'enrichd-50', figure: 'cpuUsPerRecord', atMost: 0.35 },
  { peer: 'connect', our: 'enrichd-500', figure: 'recordsPerSecond', atLeast: 2.5 },
  { peer: 'connect-tuned', our: 'enrichd-50', figure: 'recordsPerSecond', atLeast: 1.45 },
  { peer: 'connect-tuned', our: 'enrichd-50', figure: 'cpuUsPerRecord', atMost: 0.52 },
] as const

function resultOf(runs: readonly PeerRun[]): ScenarioResult {
  const measured = promises.filter(({ peer }) => runs.some(({ subject }) => subject === peer))
  const checks = measured.map(({ peer, our, figure, ...bound }) => ({
    what: `${our} by ${peer}, ${figure === 'cpuUsPerRecord' ? 'CPU per record' : 'records/s'}`,
    value: ratioOf(runs, figure, [our, peer]),
    ...bound,
  }))
  return { rows: rowsOf(runs), checks, runs }
}

const lab = values.lab ?? process.env['PEERS_LAB']
if (values.help || lab === undefined || !existsSync(join(lab, 'run_one.py'))) {
  process.stderr.write(usage)
  process.exit(values.help ? 0 : 2)
}
try {
  const result = resultOf(await measure(lab))
  mkdirSync('.bench', { recursive: true })
  writeFileSync(
    values.json,
    `${JSON.stringify({ machine: machine(), results: { peers: result } }, null, 2)}\n`,
  )
  console.log(reportText('Peers: no latency, C = 256, bulks of 50', result))
} finally {
  if (!values.keep) await BenchStack.wipe()
}
