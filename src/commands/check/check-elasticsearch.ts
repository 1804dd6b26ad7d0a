import type { Config } from '../../config/schema.js'
import { writePrivileges, type ElasticsearchAdmin, type NameKind } from '../../sink/elasticsearch-admin.js'
import { mayAutoCreate, templateFor } from '../../sink/index-pattern.js'
import { mappingProblems } from '../../sink/mapping-fit.js'
import { EnrichdError } from '../../errors.js'
import { advise, inWords, type Report } from '../finding.js'
import { sampleIndexNames } from './sample-index-names.js'
import { speaksTls } from './speaks-tls.js'

export interface CheckElasticsearchOptions {
  readonly admin: ElasticsearchAdmin
  /** The topics whose records are indexed: an index name may be made of them. */
  readonly topics: readonly string[]
  readonly report: Report
}

/** Elasticsearch there, the login taken, and for each index that would be written now: allowed, an index, fitting. */
export async function checkElasticsearch(config: Config, options: CheckElasticsearchOptions): Promise<void> {
  const { admin, topics, report } = options
  const subject = 'elasticsearch'
  try {
    const user = await admin.user()
    report({
      status: 'ok',
      subject,
      message: user === undefined ? 'it answers, without a login' : `it answers, to user ${user}`,
    })
  } catch (error) {
    report({ status: 'FAIL', subject, message: await reachAdvice(error, config.elasticsearch.nodes) })
    return
  }
  for (const name of sampleIndexNames(config.elasticsearch.index, topics)) {
    try {
      await checkIndex({ name, opType: config.elasticsearch.opType, admin, report })
    } catch (error) {
      report({ status: 'FAIL', subject: `index ${name}`, message: inWords(error) })
    }
  }
}

async function reachAdvice(error: unknown, nodes: readonly string[]): Promise<string> {
  const said = inWords(error).replace(/ - Local: .*$/, '')
  if (!(error instanceof EnrichdError)) return said
  if (/wrong version number/.test(said))
    return 'it does not speak TLS; begin the address in elasticsearch.nodes with http://'
  if (/self.signed|unable to (verify|get)/i.test(said))
    return 'its certificate is of a CA that is not known here; set elasticsearch.tls.ca (or .fingerprint) to that of the CA'
  if (
    error.code !== 'INDEX_UNREACHABLE' &&
    error.code !== 'INDEX_TIMEOUT' &&
    error.code !== 'INDEX_BAD_ANSWER'
  )
    return said
  for (const node of nodes.filter((each) => each.startsWith('http:')))
    if (await speaksTls(node)) return 'it speaks TLS; begin the address in elasticsearch.nodes with https://'
  return error.code === 'INDEX_BAD_ANSWER'
    ? advise(said, 'what answers is not Elasticsearch: correct elasticsearch.nodes')
    : advise(said, 'correct host and port in elasticsearch.nodes, or start it')
}

interface IndexUnderCheck {
  readonly name: string
  readonly opType: Config['elasticsearch']['opType']
  readonly admin: ElasticsearchAdmin
  readonly report: Report
}

async function checkIndex(index: IndexUnderCheck): Promise<void> {
  const { name, opType, admin, report } = index
  const subject = `index ${name}`
  const fail = (message: string): void => {
    report({ status: 'FAIL', subject, message })
  }
  const privileges = await admin.privileges(name, writePrivileges(opType))
  const lacking = [...(privileges ?? [])].filter(([, granted]) => !granted).map(([privilege]) => privilege)
  if (lacking.length > 0) {
    fail(`this user may not write to it; give its role the index privileges ${lacking.join(' and ')} on it`)
    return
  }
  const kind = await admin.kind(name)
  const becomes = kind ?? (await wouldBecome(index))
  if (becomes === 'data stream' && opType === 'index') {
    fail(dataStreamAdvice(kind, await winner(index)))
    return
  }
  if (kind === undefined) {
    const setting = await admin.autoCreateIndex()
    if (setting !== undefined && !mayAutoCreate(name, setting)) {
      fail(
        'it is not there and may not come into being by itself (action.auto_create_index); create it, or allow it',
      )
      return
    }
    const by = await winner(index)
    const template = by === undefined ? '' : ` by template ${by}`
    report({
      status: 'ok',
      subject,
      message: `not there yet; the first document makes it ${article(becomes)}${template}`,
    })
  } else {
    if (kind !== 'data stream') await admin.tryWrite(name)
    report({ status: 'ok', subject, message: `${article(kind)}, writable` })
  }
  await checkMapping(index, kind)
}

async function checkMapping(
  { name, admin, report }: IndexUnderCheck,
  kind: NameKind | undefined,
): Promise<void> {
  const subject = `mapping of ${name}`
  const view = kind === undefined ? await admin.simulate(name) : await admin.view(name)
  if (view === undefined) {
    const message =
      'not looked at: this user may see neither the index (view_index_metadata) nor the templates (manage_index_templates)'
    report({ status: 'warn', subject, message })
    return
  }
  if (!Object.hasOwn(view.mappings, 'properties') && !Object.hasOwn(view.mappings, 'dynamic')) {
    const message = 'nothing gives our fields their types, the first documents will; run enrichd setup'
    report({ status: 'warn', subject, message })
    return
  }
  const problems = mappingProblems(view)
  for (const { kind: problem, field, message } of problems) {
    const text = field === '' ? message : `${field}: ${message}`
    const advice =
      kind === undefined
        ? 'correct the template'
        : 'correct the template and write to a new index (elasticsearch.index)'
    if (problem === 'conflict') report({ status: 'FAIL', subject, message: advise(text, advice) })
    else report({ status: 'warn', subject, message: text })
  }
  if (problems.length === 0) report({ status: 'ok', subject, message: 'it takes our documents' })
}

async function wouldBecome({ name, admin }: IndexUnderCheck): Promise<NameKind> {
  const template = templateFor(name, (await admin.templates()) ?? [])
  return template?.dataStream === true ? 'data stream' : 'index'
}

async function winner({ name, admin }: IndexUnderCheck): Promise<string | undefined> {
  return templateFor(name, (await admin.templates()) ?? [])?.name
}

function dataStreamAdvice(kind: NameKind | undefined, template: string | undefined): string {
  const what =
    kind === 'data stream' ? 'it is a data stream' : `template ${template ?? ''} would make it a data stream`
  return `${what}, which takes only creates; set elasticsearch.opType to create, or change elasticsearch.index`
}

function article(kind: NameKind): string {
  return kind === 'data stream' ? 'a data stream' : `an ${kind}`
}
