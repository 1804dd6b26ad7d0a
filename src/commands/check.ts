import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Config } from '../config/schema.js'
import { silentTelemetry } from '../telemetry/silent-telemetry.js'
import type { Telemetry } from '../telemetry/telemetry.js'
import { exitCodes, type Command, type CommandContext } from './command.js'
import { deadLetterTopics } from './dead-letter-topics.js'
import { attempt, inWords, type Report } from './finding.js'
import { openReport } from './open-report.js'

export const check: Command = {
  name: 'check',
  summary: 'tries everything for real: brokers, topics, group, NLP service, Elasticsearch; writes nothing',
  async run(context) {
    const { config } = context.loadConfig()
    const failures = await checkAll(config, context)
    context.stdout.write(
      failures === 0
        ? 'everything works\n'
        : `${failures} ${failures === 1 ? 'thing' : 'things'} to change\n`,
    )
    return failures === 0 ? exitCodes.ok : exitCodes.failed
  },
}

/** @returns how many lines say FAIL */
async function checkAll(config: Config, context: CommandContext): Promise<number> {
  const { environment } = context
  const told = openReport(config, context)
  const { report } = told
  const telemetry: Telemetry = {
    ...silentTelemetry,
    warning: (_event, message) => {
      report({ status: 'warn', subject: 'tls', message })
    },
  }
  report({ status: 'ok', subject: 'configuration', message: 'valid' })
  const topics = await attempt('kafka', report, () => checkKafka(config, telemetry, report))
  await attempt('dead letters', report, () => checkFiles(config, report))
  await attempt('nlp service', report, async () => {
    const { checkNlp } = await import('./check/check-nlp.js')
    await checkNlp(config, { environment, telemetry, report })
  })
  if (config.sink.type === 'elasticsearch')
    await attempt('elasticsearch', report, () =>
      checkSink(config, { telemetry, report, topics: topics ?? [] }),
    )
  return told.failures
}

/** @returns the topics that are there */
async function checkKafka(config: Config, telemetry: Telemetry, report: Report): Promise<readonly string[]> {
  const reads = config.source.type === 'kafka'
  if (!reads && config.deadLetter.type !== 'kafka') return []
  const { assembleInspector } = await import('../assembly/assemble-kafka.js')
  const { checkBrokers } = await import('./check/check-brokers.js')
  const { checkTopics, checkGroup, checkDeadLetterTopics } = await import('./check/check-topics.js')
  const inspector = assembleInspector(config, { telemetry, kafkaLog: () => undefined })
  try {
    if (!(await checkBrokers(config, inspector, report))) return []
    const topics = reads ? await checkTopics(config, inspector, report) : []
    if (reads)
      await checkGroup(config, inspector, {
        topics: topics.length > 0 ? topics : config.kafka.topics,
        report,
      })
    if (config.deadLetter.type === 'kafka')
      await checkDeadLetterTopics(deadLetterTopics(config, topics), inspector, report)
    return topics
  } finally {
    await inspector.close()
  }
}

async function checkSink(
  config: Config,
  { telemetry, report, topics }: { telemetry: Telemetry; report: Report; topics: readonly string[] },
): Promise<void> {
  const { assembleElasticsearch } = await import('../assembly/assemble-sink.js')
  const { ElasticsearchAdmin } = await import('../sink/elasticsearch-admin.js')
  const { checkElasticsearch } = await import('./check/check-elasticsearch.js')
  const admin = new ElasticsearchAdmin(assembleElasticsearch(config, telemetry))
  try {
    await checkElasticsearch(config, { admin, topics, report })
  } finally {
    await admin.close()
  }
}

/** Files that are to be read or written. */
async function checkFiles({ source, sink, deadLetter }: Config, report: Report): Promise<void> {
  if (source.type === 'file')
    await checkFile('source file', source.path ?? '', { report, mode: constants.R_OK })
  if (sink.type === 'file') await checkFile('sink file', sink.path ?? '', { report, mode: constants.W_OK })
  if (deadLetter.type === 'file')
    await checkFile('dead letter file', deadLetter.path, { report, mode: constants.W_OK })
}

async function checkFile(what: string, path: string, { report, mode }: { report: Report; mode: number }) {
  const subject = `${what} ${path}`
  const toWrite = mode === constants.W_OK
  try {
    await access(path, mode)
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    if (missing && toWrite && (await isWritable(dirname(path)))) {
      report({ status: 'ok', subject, message: 'not there yet, and may be made' })
      return
    }
    const message = `${inWords(error)}; correct the path, or what this user may do with it`
    report({ status: 'FAIL', subject, message })
    return
  }
  report({ status: 'ok', subject, message: toWrite ? 'writable' : 'readable' })
}

async function isWritable(directory: string): Promise<boolean> {
  return access(directory, constants.W_OK).then(
    () => true,
    () => false,
  )
}
