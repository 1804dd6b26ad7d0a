import type { Config } from '../../config/schema.js'
import type { ElasticsearchAdmin, TemplateView } from '../../sink/elasticsearch-admin.js'
import { patternOf, templateFor } from '../../sink/index-pattern.js'
import {
  basePriority,
  indexTemplate,
  lackingFeature,
  templateDifferences,
  templateName,
  type TemplateFeature,
} from '../../sink/index-template.js'
import { mappingProblems } from '../../sink/mapping-fit.js'
import { sampleIndexNames } from '../check/sample-index-names.js'
import type { Report } from '../finding.js'

export interface SetUpIndexTemplateOptions {
  readonly admin: ElasticsearchAdmin
  readonly topics: readonly string[]
  readonly report: Report
}

/** More templates than this at neighbouring priorities are somebody's system, not ours to find a way through. */
const PRIORITIES_TRIED = 20

/** Makes the index template where it is missing; what is there is shown and never changed. */
export async function setUpIndexTemplate(config: Config, options: SetUpIndexTemplateOptions): Promise<void> {
  const { admin, topics, report } = options
  const { index, opType } = config.elasticsearch
  const name = templateName(index)
  const subject = `index template ${name}`
  await admin.user()
  const templates = await admin.templates()
  if (templates === undefined) {
    const message =
      'this user may not see templates; give its role the cluster privilege manage_index_templates'
    report({ status: 'FAIL', subject, message })
    return
  }
  const there = templates.find((template) => template.name === name)
  if (there !== undefined) {
    tellDifferences(templateDifferences(there, { index, opType }), { subject, report })
    return
  }
  const [sample = index] = sampleIndexNames(index, topics)
  const rival = templateFor(sample, templates)
  if (rival !== undefined && decidesAlready(rival, opType)) {
    await tellRival(rival, sample, options)
    return
  }
  await make({ name, index, opType, rival, admin, report })
  if ((await admin.kind(sample)) !== undefined) {
    const message = `index ${sample} is there already and keeps its mapping; the template counts for new ones`
    report({ status: 'warn', subject, message })
  }
}

/** Somebody gave these names a template on purpose, or made them data streams as the user wants them. */
function decidesAlready({ priority, dataStream }: TemplateView, opType: string): boolean {
  return priority >= basePriority || (opType === 'create' && dataStream)
}

async function tellRival(
  { name, priority }: TemplateView,
  sample: string,
  { admin, report }: SetUpIndexTemplateOptions,
): Promise<void> {
  const subject = `index template ${name}`
  const message = `it decides about these names already (priority ${priority}); nothing made, nothing changed`
  report({ status: 'ok', subject, message })
  const view = await admin.simulate(sample)
  for (const { field, message: problem } of view === undefined ? [] : mappingProblems(view))
    report({ status: 'warn', subject, message: `differs: ${field === '' ? '' : `${field}: `}${problem}` })
}

function tellDifferences(
  differences: readonly string[],
  { subject, report }: { subject: string; report: Report },
): void {
  if (differences.length === 0) report({ status: 'ok', subject, message: 'there already, as it should be' })
  for (const difference of differences)
    report({ status: 'warn', subject, message: `there already and left as it is; differs: ${difference}` })
}

interface Making {
  readonly name: string
  readonly index: string
  readonly opType: Config['elasticsearch']['opType']
  readonly rival: TemplateView | undefined
  readonly admin: ElasticsearchAdmin
  readonly report: Report
}

async function make({ name, index, opType, rival, admin, report }: Making): Promise<void> {
  const subject = `index template ${name}`
  const without = new Set<TemplateFeature>()
  let refusal: string | undefined
  for (let priority = basePriority; priority < basePriority + PRIORITIES_TRIED;) {
    refusal = await admin.createTemplate(name, indexTemplate({ index, opType, priority, without }))
    if (refusal === undefined) {
      const lacks =
        without.size === 0 ? '' : `, without ${[...without].join(' and ')}, which this server does not know`
      const message = `made for ${patternOf(index)}, priority ${priority}${lacks}`
      report({ status: 'made', subject, message })
      if (rival !== undefined) report({ status: 'warn', subject, message: precedence(rival) })
      return
    }
    const lacking = lackingFeature(refusal)
    if (lacking !== undefined && !without.has(lacking)) without.add(lacking)
    else if (refusal.includes('same priority')) priority++
    else break
  }
  report({ status: 'FAIL', subject, message: `Elasticsearch refused it: ${refusal ?? ''}` })
}

function precedence({ name, priority }: TemplateView): string {
  return `it takes precedence over template ${name} (priority ${priority}), of which nothing applies to new indices of this name any more`
}
