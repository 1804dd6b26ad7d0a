import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run as runChild } from '../test/children.mjs'
import { count } from './charts.mjs'
import { drain, startDaemon, startNlpService, status, watchWork } from './daemon.mjs'
import { connectKafka, feed } from './feed.mjs'
import { generateLogs, lastHour } from './generate-logs.mjs'
import { countDocuments, indexView } from './index-view.mjs'
import { plainEnvironment, setArguments, until } from './program.mjs'
import { showView } from './show.mjs'

const main = resolve(fileURLToPath(import.meta.url), '../../../dist/main.js')
const topic = 'logs'
const groupId = 'enrichd-demo'
const index = 'enrichd-logs-*'
const partitions = 4
const paceMs = 100
const seed = 2026
const sizes = { records: 6000, burst: 3000, beforeSignal: 300 }

/**
 * The whole demo on a real Kafka and a real Elasticsearch.
 *
 * @param {import('./daemon.mjs').Demo} demo
 * @param {import('./servers.mjs').Servers} servers
 */
export async function demonstrateWithServers(demo, servers) {
  const { screen } = demo
  const kafka = await connectKafka({ brokers: servers.kafka, topic, groupId })
  try {
    await kafka.createTopic(topic, partitions)
    const daemon = await start(demo, servers)
    const span = lastHour()
    const sent = await work(demo, daemon, { kafka, span })
    screen.heading('What is in the index now')
    const where = { url: servers.elasticsearch, index, signal: demo.signal }
    const view = await indexView(where, span)
    screen.say(`${count(view.total)} documents; these are answers of Elasticsearch:`)
    showView(screen, view, span)
    if (!demo.keep) await stopInABurst(demo, daemon, { kafka, where, sent })
    return daemon
  } finally {
    await kafka.close()
  }
}

async function start(demo, { kafka, elasticsearch }) {
  const { screen } = demo
  const nlp = await startNlpService(demo)
  const settings = {
    'kafka.brokers': kafka,
    'kafka.topics': topic,
    'kafka.groupId': groupId,
    'nlp.url': nlp,
    'elasticsearch.nodes': elasticsearch,
  }
  screen.item('enrichd setup', await setUp(settings))
  const daemon = await startDaemon(demo, settings)
  screen.item('settings', `${Object.keys(settings).join(', ')}; all others are at their defaults`)
  return daemon
}

/**
 * The index template and the dead letter topic are made by a command of their own, as in production.
 *
 * @returns {Promise<string>} what it said
 */
async function setUp(settings) {
  const said = []
  const { code, stdout } = await runChild(process.execPath, [main, 'setup', ...setArguments(settings)], {
    env: plainEnvironment(process.env),
    output: true,
    onStderr: (text) => said.push(text),
  })
  if (code !== 0) throw new Error(`enrichd setup failed:\n${stdout}${said.join('')}`)
  return stdout.trimEnd().replaceAll(/ {2,}/g, ' ')
}

async function work(demo, daemon, { kafka, span }) {
  const { screen, signal } = demo
  const minutes = generateLogs({ seed, endMs: span.toMs, records: sizes.records })
  const total = minutes.flat().length
  screen.heading('An hour of logs of six services, in a few seconds')
  screen.say(
    `${count(total)} records with bursts, stack traces, and two that are broken, into the topic "${topic}".`,
  )
  let sent = 0
  const fed = feed(minutes, { send: kafka.send, paceMs, signal, onSent: (more) => (sent += more) })
  const begun = performance.now()
  const { counters } = await watchWork(demo, daemon, { total: () => total, fed })
  const seconds = ((performance.now() - begun) / 1000).toFixed(1)
  const reasons = Object.entries(counters.rejectedByReason).map(([reason, times]) => `${reason} ${times}`)
  screen.item('indexed', `${count(counters.processed)} in ${seconds} s`)
  screen.item(
    'dead letters',
    `${count(counters.errors)} in the topic "${topic}.dead-letter" (${reasons.join(', ')})`,
  )
  return sent
}

async function stopInABurst(demo, daemon, { kafka, where, sent }) {
  const { screen, signal } = demo
  screen.heading('SIGTERM in the middle of a burst')
  const burst = generateLogs({ seed: seed + 1, endMs: Date.now(), records: sizes.burst }).flat()
  const before = (await status(daemon, signal)).settled
  await kafka.send(burst)
  const begun = async () => (await status(daemon, signal)).settled >= before + sizes.beforeSignal
  const what = () => 'The burst was not taken up within 30 s.'
  await until(begun, { signal, timeoutMs: 30_000, what, everyMs: 20 })
  screen.say(`${count(burst.length)} more records, and SIGTERM while they are worked on:`)
  const { errors } = await drain(demo, daemon, 'what is finished is committed, the group is left')
  await balance(demo, { kafka, where, errors, sent: sent + burst.length })
}

/** What was sent is in one of three places, and each record in one alone. */
async function balance({ screen }, { kafka, where, errors, sent }) {
  const [documents, committed] = await Promise.all([countDocuments(where), kafka.committed()])
  const left = sent - documents - errors
  screen.item(
    'the balance',
    `${count(sent)} sent = ${count(documents)} in the index + ${count(errors)} dead letters + ` +
      `${count(left)} left in Kafka for whoever comes next`,
  )
  const ahead = documents + errors - committed
  if (ahead < 0) throw new Error(`${-ahead} committed records are not in the index.`)
  const noted = ahead === 0 ? '' : `, ${count(ahead)} finished ones behind a gap are noted beside the offsets`
  screen.item('committed', `${count(committed)} offsets${noted}: nothing lost, nothing done twice`)
}
