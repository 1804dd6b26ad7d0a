import type { Entity, Severity } from './analysis.js'

const levels: Readonly<Record<string, Severity>> = {
  trace: 'low',
  debug: 'low',
  info: 'low',
  notice: 'low',
  warn: 'medium',
  warning: 'medium',
  error: 'high',
  err: 'high',
  severe: 'high',
  fatal: 'critical',
  crit: 'critical',
  critical: 'critical',
  alert: 'critical',
  emerg: 'critical',
  emergency: 'critical',
  panic: 'critical',
}

/** A level that says it is one: in capitals in the line's head, in brackets, or behind `level=`. */
const levelWord =
  /\b(?:level|severity|lvl)["']?[=:] ?["']?(trace|debug|info|notice|warn|warning|error|err|severe|fatal|crit|critical|alert|emerg|emergency|panic)\b|\[(trace|debug|info|notice|warn|warning|error|err|severe|fatal|crit|critical|alert|emerg|emergency|panic)\]/i
const levelInHead =
  /\b(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|SEVERE|FATAL|CRIT|CRITICAL|ALERT|EMERG|EMERGENCY|PANIC)\b/
const headLength = 160
const klogHead = /^([IWEF])\d{4} \d\d:\d\d:\d\d\./
const klogLevels: Readonly<Record<string, Severity>> = { I: 'low', W: 'medium', E: 'high', F: 'critical' }

const critical =
  /\b(?:fatal|panic(?:ked|king)?|out of memory|outofmemory\w{0,10}|oom(?:-?kill(?:ed|er|ing)?|killed)?|corrupt(?:ed|ion)?|data loss|segfault|segmentation fault|sigsegv|no space left|disk full|emergency|unrecoverable|split[ -]brain)\b/i
const high =
  /\b(?:errors?|fail(?:ed|s|ure|ures|ing)?|refused|exceptions?|denied|unauthorized|forbidden|crash(?:ed|es)?|abort(?:ed|ing)?|killed|unreachable|unavailable|traceback|rejected|break-in|invalid|can(?:no|')t|could not|unable to)\b/i
const medium =
  /\b(?:warn(?:ing|ings)?|time[ds]?[ -]?outs?|timed out|retry(?:ing)?|retries|retried|slow(?:er|ly|ness)?|deprecated|dropped|lost|broken|interrupt(?:ed|ing)|throttl(?:ed|ing)|expired?|missed|missing|degraded|back-?off|rate limit(?:ed)?)\b/i
/** "0 errors", "no failures", "error=null": words that say that nothing happened. */
const denied =
  /\b(?:no|0|zero|without(?: any)?) (?:errors?|failures?|exceptions?|warnings?|retries|timeouts?)\b|\b(?:error|err|exception|warning)s?["']?[=:] ?(?:0|null|nil|none|false|""|<nil>)(?!\w)/gi

const ranks: readonly Severity[] = ['low', 'medium', 'high', 'critical']
const worse = (a: Severity, b: Severity): Severity => (ranks.indexOf(a) >= ranks.indexOf(b) ? a : b)

/**
 * How much a text matters, by rules (docs/nlp-engine.md, "Severity"): the level that the line itself names decides; a
 * warning that carries an exception counts as `high`, and anything from a warning upwards with a word for lasting damage as
 * `critical`. A line without a level is rated by its words, its exceptions and its HTTP status.
 */
export function rateSeverity(text: string, entities: readonly Pick<Entity, 'type' | 'text'>[]): Severity {
  const level = levelOf(text)
  if (level === 'low' || level === 'critical') return level
  const words = text.replace(denied, ' ')
  if (critical.test(words)) return 'critical'
  if (entities.some(({ type }) => type === 'exception')) return worse('high', level ?? 'low')
  return level ?? ratedByWords(words, entities)
}

function levelOf(text: string): Severity | undefined {
  const named = levelWord.exec(text)
  const word = named?.[1] ?? named?.[2] ?? levelInHead.exec(text.slice(0, headLength))?.[1]
  if (word !== undefined) return levels[word.toLowerCase()]
  return klogLevels[klogHead.exec(text)?.[1] ?? '']
}

function ratedByWords(words: string, entities: readonly Pick<Entity, 'type' | 'text'>[]): Severity {
  const failed = entities.some(
    ({ type, text }) => type === 'error-code' || (type === 'http-status' && text.startsWith('5')),
  )
  if (failed || high.test(words)) return 'high'
  return medium.test(words) ? 'medium' : 'low'
}
