import type { Config } from '../config/schema.js'
import { silentTelemetry } from '../telemetry/silent-telemetry.js'
import { exitCodes, type Command } from './command.js'
import { deadLetterTopics } from './dead-letter-topics.js'
import { attempt, type Report } from './finding.js'
import { openReport } from './open-report.js'

export const setup: Command = {
  name: 'setup',
  summary:
    'makes what is missing and ours to make (index template, dead letter topics); changes nothing else',
  async run(context) {
    const { config } = context.loadConfig()
    const told = openReport(config, context)
    const { report } = told
    const topics = await attempt('kafka', report, () => setUpKafka(config, report))
    if (config.sink.type === 'elasticsearch')
      await attempt('elasticsearch', report, () =>
        setUpElasticsearch(config, { report, topics: topics ?? [] }),
      )
    return told.failures === 0 ? exitCodes.ok : exitCodes.failed
  },
}

const around = { telemetry: silentTelemetry, kafkaLog: () => undefined }

/** @returns the topics to read */
async function setUpKafka(config: Config, report: Report): Promise<readonly string[]> {
  const reads = config.source.type === 'kafka'
  if (config.deadLetter.type === 'file') {
    const message = 'made when the first one is written'
    report({ status: 'ok', subject: `dead letter file ${config.deadLetter.path}`, message })
    return config.kafka.topics
  }
  const { assembleInspector, assembleKafka } = await import('../assembly/assemble-kafka.js')
  const { checkBrokers } = await import('./check/check-brokers.js')
  const { topicsToRead } = await import('../assembly/topics-to-read.js')
  const { setUpDeadLetterTopics } = await import('./setup/set-up-dead-letter-topics.js')
  const inspector = assembleInspector(config, around)
  const admin = assembleKafka(config, around).admin()
  try {
    const onlyWhatFails: Report = (finding) => {
      if (finding.status !== 'ok') report(finding)
    }
    if (!(await checkBrokers(config, inspector, onlyWhatFails))) return []
    const topics = reads ? topicsToRead(config, await inspector.topics()) : []
    await setUpDeadLetterTopics(deadLetterTopics(config, topics), { inspector, admin, report })
    return topics
  } finally {
    await Promise.all([inspector.close(), admin.close()])
  }
}

async function setUpElasticsearch(
  config: Config,
  { report, topics }: { report: Report; topics: readonly string[] },
): Promise<void> {
  const { assembleElasticsearch } = await import('../assembly/assemble-sink.js')
  const { ElasticsearchAdmin } = await import('../sink/elasticsearch-admin.js')
  const { setUpIndexTemplate } = await import('./setup/set-up-index-template.js')
  const admin = new ElasticsearchAdmin(assembleElasticsearch(config, silentTelemetry))
  try {
    await setUpIndexTemplate(config, { admin, topics, report })
  } finally {
    await admin.close()
  }
}
