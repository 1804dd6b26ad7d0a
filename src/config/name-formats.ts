import { text, type Format } from './format.js'

const topicName = /^[A-Za-z0-9._-]{1,249}$/

/** The pattern between the slashes of a `/regex/` topic, or `undefined` for a plain name. */
function patternOf(topic: string): string | undefined {
  return /^\/(.+)\/$/s.exec(topic)?.[1]
}

function compileError(pattern: string): string | undefined {
  try {
    new RegExp(pattern)
    return undefined
  } catch (error) {
    return `a regular expression that compiles (${error instanceof Error ? error.message : 'it does not'})`
  }
}

/** A topic's name, or a `/regex/`. */
export function topic(): Format<string> {
  const expected = "a topic's name (letters, digits, . _ -) or a regular expression between slashes"
  return text({
    expected,
    pattern: /^(\/.+\/|[A-Za-z0-9._-]{1,249})$/,
    objection: (value) => {
      const pattern = patternOf(value)
      if (pattern !== undefined) return compileError(pattern)
      if (value === '.' || value === '..') return expected
      return value.startsWith('__') ? "a topic that is not Kafka's own (those start with __)" : undefined
    },
  })
}

/** The dead letter topic, in which `{topic}` stands for the record's topic. */
export function deadLetterTopic(): Format<string> {
  const expected = "a topic's name in which {topic} may stand for the record's topic"
  return text({
    expected,
    pattern: /^([A-Za-z0-9._-]|\{topic\}){1,249}$/,
    objection: (value) => {
      if (value === '{topic}')
        return `${expected}, and more than that: dead letters would come back as records`
      return topicName.test(value.replaceAll('{topic}', 't')) && !value.startsWith('__')
        ? undefined
        : expected
    },
  })
}

/** Whether records of `topicName` could be dead letters of others under this template. */
export function isDeadLetterTopic(template: string, name: string): boolean {
  const parts = template.split('{topic}').map((part) => part.replace(/[.]/g, '\\.'))
  return new RegExp(`^${parts.join('.+')}$`).test(name)
}

/** What Logstash and others write in one placeholder: `{yyyy.MM.dd}`. */
const wholeDate = /^[yYMdDHhms]{2,4}([^A-Za-z]+[yYMdDHhms]{2,4})+$/
const datePlaceholders = ['yyyy', 'MM', 'dd', 'HH']
/** Index templates of a stock Elasticsearch that make a data stream of every new name they match. */
const dataStreamPrefixes = ['logs', 'metrics', 'synthetics']

function literalObjection(literals: readonly string[]): string | undefined {
  const joined = literals.join('')
  const illegal = /[^a-z0-9._+-]/u.exec(joined)
  if (illegal)
    return `an index name of a-z, 0-9 and . _ - +, not "${illegal[0]}" (placeholders are written {name})`
  const prefix = literals[0] ?? ''
  if (prefix === '') return 'an index name with a fixed beginning, such as enrichd-logs-'
  if (!/^[a-z0-9]/.test(prefix)) return 'an index name that begins with a letter or a digit'
  return joined.length > 200 ? 'an index name of at most 200 characters' : undefined
}

function placeholderObjection(placeholders: readonly string[]): string | undefined {
  const bad = placeholders.find((name) => name === '' || name.trim() !== name)
  if (bad !== undefined) return `a name between { and }, not "${bad}"`
  const date = placeholders.find(
    (name) => (/^[yYMdDHhms]{2,4}$/.test(name) && !datePlaceholders.includes(name)) || wholeDate.test(name),
  )
  return date === undefined
    ? undefined
    : `one of the date placeholders {yyyy}, {MM}, {dd}, {HH}, not {${date}}`
}

/** The index name's template: a fixed beginning, then text and `{…}` placeholders. */
export function indexName(): Format<string> {
  const expected =
    'an index name with a fixed lower-case beginning; behind it {yyyy}, {MM}, {dd}, {HH}, {topic} and {field}'
  return text({
    expected,
    pattern: /^([^{}]|\{[^{}]*\})+$/,
    objection: (value) => {
      const literals = value.split(/\{[^{}]*\}/)
      const placeholders = [...value.matchAll(/\{([^{}]*)\}/g)].map((match) => match[1] ?? '')
      return literalObjection(literals) ?? placeholderObjection(placeholders)
    },
  })
}

/** The stock pattern (`logs-*-*`) that names of this template would match, if any. */
export function dataStreamPattern(template: string): string | undefined {
  const prefix = dataStreamPrefixes.find((name) => template.startsWith(`${name}-`))
  if (prefix === undefined) return undefined
  const rest = template.slice(prefix.length + 1)
  const datesGone = rest.replace(/\{(yyyy|MM|dd|HH)\}/g, '0')
  return datesGone.includes('-') || datesGone.includes('{') ? `${prefix}-*-*` : undefined
}
