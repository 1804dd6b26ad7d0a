import type { TemplateView } from './elasticsearch-admin.js'
import type { OpType } from './bulk-request.js'
import { fixedPrefix, patternOf } from './index-pattern.js'
import { ourFields } from './our-fields.js'

type Node = Readonly<Record<string, unknown>>

export interface IndexTemplateOptions {
  /** `elasticsearch.index`. */
  readonly index: string
  readonly opType: OpType
  readonly priority: number
  /** What an older or smaller server lacks; default none. */
  readonly without?: ReadonlySet<TemplateFeature>
}

/** Parts of the template that a server may not know, and how it says so. */
export type TemplateFeature = 'flattened' | 'ignore_dynamic_beyond_limit'

/** Above those of a stock server (100) and of Fleet (200), at which the documentation's own advice begins. */
export const basePriority = 501

/** `enrichd-logs` for `enrichd-logs-{yyyy}`, `enrichd-app` for `app-{topic}`. */
export function templateName(index: string): string {
  const prefix = fixedPrefix(index).replace(/[._+-]+$/, '')
  return prefix.startsWith('enrichd') ? prefix : `enrichd-${prefix}`
}

/**
 * The template that gives our fields their types: `entities` and `severity` can be aggregated, a record's own field of the
 * wrong type is ignored rather than refused, and so are new fields beyond the limit. With `opType` `create` it makes data
 * streams.
 */
export function indexTemplate({ index, opType, priority, without = new Set() }: IndexTemplateOptions): Node {
  const mapping = {
    ignore_malformed: true,
    ...(!without.has('ignore_dynamic_beyond_limit') && {
      total_fields: { ignore_dynamic_beyond_limit: true },
    }),
  }
  return {
    index_patterns: [patternOf(index)],
    priority,
    template: { settings: { index: { mapping } }, mappings: { properties: properties(without) } },
    ...(opType === 'create' && { data_stream: {} }),
    _meta: {
      description: 'Types the fields that enrichd adds; made by enrichd setup.',
      ...(without.size > 0 && { without: [...without] }),
    },
  }
}

function properties(without: ReadonlySet<TemplateFeature>): Node {
  const root: Record<string, Record<string, unknown>> = {}
  for (const { path, mapping } of ourFields) {
    const [top = path, leaf] = path.split('.')
    const own =
      without.has('flattened') && mapping['type'] === 'flattened'
        ? { type: 'object', enabled: false }
        : mapping
    if (leaf === undefined) root[top] = { ...own }
    else root[top] = { ...root[top], properties: { ...asNode(root[top]?.['properties']), [leaf]: own } }
  }
  return root
}

/** The feature that a refusal is about, if it is about one. */
export function lackingFeature(refusal: string): TemplateFeature | undefined {
  if (/mapper type \[flattened\]|No handler for type \[flattened\]|depth_limit/.test(refusal))
    return 'flattened'
  return refusal.includes('ignore_dynamic_beyond_limit') ? 'ignore_dynamic_beyond_limit' : undefined
}

/**
 * Where a template that is there differs from the one that we would make: what it lacks and what is otherwise, never what it
 * has besides. What we left out for its server does not count.
 */
export function templateDifferences(
  there: TemplateView,
  options: Pick<IndexTemplateOptions, 'index' | 'opType'>,
): readonly string[] {
  const { without } = asNode(there.body['_meta'])
  const left = new Set<TemplateFeature>((Array.isArray(without) ? without : []) as TemplateFeature[])
  const ours = indexTemplate({ ...options, priority: there.priority, without: left })
  const differences: string[] = []
  compare(flat(normal(there.body)), flat(normal(ours)), differences)
  if (there.dataStream !== Object.hasOwn(ours, 'data_stream'))
    differences.push(there.dataStream ? 'it makes data streams' : 'it makes no data streams')
  return differences
}

function compare(
  there: ReadonlyMap<string, string>,
  wanted: ReadonlyMap<string, string>,
  to: string[],
): void {
  for (const [path, value] of wanted) {
    const found = there.get(path)
    if (found === value) continue
    const name = path.replace('template.mappings.', '').replaceAll('properties.', '')
    to.push(
      found === undefined ? `${name} is not there (ours: ${value})` : `${name} is ${found} (ours: ${value})`,
    )
  }
}

/** Settings may be written with dots, and start with `index.` or not: all of them in one form. */
function normal(body: Node): Node {
  const template = asNode(body['template'])
  const settings = new Map<string, string>()
  for (const [path, value] of flat(asNode(template['settings'])))
    settings.set(path.replace(/^index\./, ''), value)
  const { index_patterns: patterns } = body
  return {
    index_patterns: Array.isArray(patterns) ? patterns.join(', ') : patterns,
    settings: Object.fromEntries(settings),
    template: { mappings: template['mappings'] },
  }
}

function flat(node: Node, prefix = ''): Map<string, string> {
  const found = new Map<string, string>()
  for (const [key, value] of Object.entries(node)) {
    if (value === undefined || value === null) continue
    if (Array.isArray(value)) found.set(prefix + key, value.join(', '))
    else if (typeof value === 'object')
      for (const [path, leaf] of flat(asNode(value), `${prefix}${key}.`)) found.set(path, leaf)
    else found.set(prefix + key, JSON.stringify(value).replace(/^"|"$/g, ''))
  }
  return found
}

function asNode(value: unknown): Node {
  return typeof value === 'object' && value !== null ? (value as Node) : {}
}
