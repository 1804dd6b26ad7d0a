import type { IndexView } from './elasticsearch-admin.js'
import { ourFields, type OurField } from './our-fields.js'

export interface MappingProblem {
  /** `conflict`: documents would be refused. `poor`: they are taken, and of less use. */
  readonly kind: 'conflict' | 'poor'
  readonly field: string
  readonly message: string
}

type Node = Readonly<Record<string, unknown>>

const strings = [
  'text',
  'match_only_text',
  'keyword',
  'wildcard',
  'search_as_you_type',
  'annotated_text',
  'version',
]
const numbers = ['long', 'integer', 'double', 'float', 'half_float', 'scaled_float', 'unsigned_long']
const words = ['keyword', 'wildcard', 'constant_keyword', 'version', 'flattened']

/** Types that take what we write. A string field takes anything that is no object. */
const takes: Readonly<Record<Exclude<OurField['holds'], 'object'>, readonly string[]>> = {
  time: ['date', 'date_nanos', ...strings],
  text: strings,
  word: strings,
  integer: [...numbers, ...strings],
  number: ['double', 'float', 'half_float', 'scaled_float', ...strings],
  flag: ['boolean', ...strings],
}

/**
 * Compares a mapping with the documents that we write. `conflict`s first; a mapping that says nothing of a field is no
 * problem unless it is strict, since the first document then decides.
 */
export function mappingProblems({ mappings, ignoreMalformed }: IndexView): readonly MappingProblem[] {
  const problems: MappingProblem[] = []
  for (const our of ourFields) {
    const found = judge(our, find(mappings, our.path.split('.')), ignoreMalformed)
    // What is wrong with an object says enough of what is in it.
    const within = problems.some(({ field, kind }) => kind === 'conflict' && our.path.startsWith(`${field}.`))
    if (found !== undefined && !within) problems.push({ field: our.path, ...found })
  }
  if (isStrict(mappings['dynamic'])) {
    const message =
      'the mapping is strict: records with fields of their own that it lacks become dead letters'
    problems.push({ kind: 'poor', field: '', message })
  }
  return problems.sort((a, b) => Number(a.kind === 'poor') - Number(b.kind === 'poor'))
}

type Judgement = Omit<MappingProblem, 'field'>

function judge(our: OurField, found: Found, ignoreMalformed: boolean): Judgement | undefined {
  if (found === 'absorbed') return undefined
  if (found === 'missing') return undefined
  if (found === 'refused') {
    const kind = our.always ? 'conflict' : 'poor'
    return { kind, message: `the mapping is strict and has no ${our.path}; add it` }
  }
  const type = typeOf(found)
  if (our.holds === 'object') return judgeObject(our, type)
  if (!takes[our.holds].includes(type)) {
    const message = `it is mapped as ${type}, and we write ${described[our.holds]}`
    const harmless = ignoreMalformed && !['object', 'nested', 'flattened'].includes(type)
    return { kind: harmless ? 'poor' : 'conflict', message }
  }
  if (our.holds === 'time' && !type.startsWith('date'))
    return {
      kind: 'poor',
      message: `it is mapped as ${type}: ranges of time cannot be asked for; map it as date`,
    }
  if (our.holds === 'word' && !words.includes(type) && !hasWordWithin(found))
    return { kind: 'poor', message: `it is mapped as ${type}: it cannot be aggregated; map it as keyword` }
  return undefined
}

const described: Readonly<Record<Exclude<OurField['holds'], 'object'>, string>> = {
  time: 'a time (ISO 8601)',
  text: 'text',
  word: 'text',
  integer: 'an integer',
  number: 'a number',
  flag: 'true or false',
}

function judgeObject({ path }: OurField, type: string): Judgement | undefined {
  if (['object', 'nested', 'flattened', 'passthrough'].includes(type)) return undefined
  const what = path === 'entities' ? 'an array of objects' : 'an object'
  return { kind: 'conflict', message: `it is mapped as ${type}, and we write ${what}` }
}

type Found = Node | 'missing' | 'absorbed' | 'refused'

/** The mapping of a path, whose names may stand nested or joined by dots. */
function find(root: Node, path: readonly string[]): Found {
  let node = root
  let dynamic: unknown = root['dynamic']
  for (let at = 0; at < path.length;) {
    const properties = asNode(node['properties'])
    const length = longestName(properties, path.slice(at))
    if (length === 0) return isStrict(dynamic) ? 'refused' : 'missing'
    node = asNode(properties[path.slice(at, at + length).join('.')])
    at += length
    dynamic = node['dynamic'] ?? dynamic
    const absorbs = typeOf(node) === 'flattened' || node['enabled'] === false
    if (at < path.length && absorbs) return 'absorbed'
  }
  return node
}

function longestName(properties: Node, path: readonly string[]): number {
  for (let length = path.length; length > 0; length--)
    if (Object.hasOwn(properties, path.slice(0, length).join('.'))) return length
  return 0
}

function typeOf(node: Node): string {
  return typeof node['type'] === 'string' ? node['type'] : 'object'
}

/** `severity` as text with a `severity.keyword`, as Elasticsearch maps text by itself. */
function hasWordWithin(node: Node): boolean {
  return Object.values(asNode(node['fields'])).some((each) => words.includes(typeOf(asNode(each))))
}

function isStrict(dynamic: unknown): boolean {
  return dynamic === 'strict' || dynamic === 'strict_allow_templates'
}

function asNode(value: unknown): Node {
  return typeof value === 'object' && value !== null ? (value as Node) : {}
}
