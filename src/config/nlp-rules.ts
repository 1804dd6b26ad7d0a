import type { Objection, Rule } from './rule.js'
import type { Config } from './schema.js'

/** Rules between the settings under `nlp`. */
export const nlpRules: readonly Rule[] = [
  {
    reads: ['nlp.retry.delayMs', 'nlp.retry.maxDelayMs'],
    check: ({ nlp: { retry } }) =>
      retry.maxDelayMs < retry.delayMs && {
        key: 'nlp.retry.maxDelayMs',
        expected: `at least nlp.retry.delayMs, which is ${retry.delayMs}`,
      },
  },
  {
    reads: ['nlp.url', 'nlp.protocol'],
    check: ({ nlp }) =>
      nlp.url === 'embedded:' &&
      nlp.protocol !== 'enrichd' && {
        key: 'nlp.protocol',
        expected: 'enrichd, because nlp.url is embedded: and nothing is spoken to over HTTP',
      },
  },
  {
    reads: ['nlp.headers', 'nlp.bearerToken'],
    check: ({ nlp }) =>
      nlp.bearerToken !== undefined &&
      Object.keys(nlp.headers).some((name) => name.toLowerCase() === 'authorization') && {
        key: 'nlp.headers',
        expected: 'no Authorization, because nlp.bearerToken is set',
      },
  },
  {
    reads: ['nlp.protocol', 'nlp.http.body', 'nlp.http.contentType'],
    check: ({ nlp }) => (nlp.protocol === 'http' ? bodyObjection(nlp.http) : undefined),
  },
  {
    reads: [
      'nlp.protocol',
      'nlp.http.entity.text',
      'nlp.http.entity.start',
      'nlp.http.entity.end',
      'nlp.http.entity.length',
    ],
    check: ({ nlp }) => (nlp.protocol === 'http' ? entityObjection(nlp.http.entity) : undefined),
  },
]

function bodyObjection({ body, contentType }: Config['nlp']['http']): Objection | undefined {
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? ''
  const objection = (expected: string): Objection => ({ key: 'nlp.http.body', expected })
  if (type === 'application/x-www-form-urlencoded') return undefined
  if (type !== 'application/json' && !type.endsWith('+json')) {
    return body === '{{text}}'
      ? undefined
      : objection(`{{text}} alone, because nlp.http.contentType is ${type}`)
  }
  try {
    // A word is no JSON by itself: the filled template parses only if {{text}} stands inside a string.
    JSON.parse(body.replaceAll('{{text}}', 'word'))
    return undefined
  } catch {
    return objection('JSON in which {{text}} stands inside a string: {"text": "{{text}}"}')
  }
}

function entityObjection({
  text,
  start,
  end,
  length,
}: Config['nlp']['http']['entity']): Objection | undefined {
  if (end !== undefined && length !== undefined) {
    return { key: 'nlp.http.entity.length', expected: 'no value, because nlp.http.entity.end is set' }
  }
  if (text !== undefined || (start !== undefined && (end ?? length) !== undefined)) return undefined
  return {
    key: 'nlp.http.entity.text',
    expected: 'a JSON pointer, or start with end or length: an entity needs a text or a place to cut it from',
  }
}
