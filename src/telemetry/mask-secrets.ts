const MASK = '[secret]'
/** Shorter secrets are masked only where they stand alone: else half of every line would be gone. */
const MIN_EMBEDDED_LENGTH = 4
/** Lines of a multi-line secret (a PEM) are masked one by one too, where they are long enough to mean something. */
const MIN_LINE_LENGTH = 16

/**
 * A function that replaces every secret in a text by `[secret]`: as it is, escaped as in JSON, percent-encoded, and
 * multi-line ones also line by line. `names` are replaced where they stand alone only: the user `elastic` is no reason to
 * blot out `elasticsearch.tls.ca`. Without secrets it returns the text itself, at no cost.
 */
export function maskSecrets(
  secrets: readonly string[],
  names: readonly string[] = [],
): (text: string) => string {
  const forms = formsOfAll(secrets)
  const patterns = [...forms.map(toPattern), ...formsOfAll(names).map(standingAlone)]
  if (patterns.length === 0) return (text) => text
  const pattern = new RegExp(patterns.join('|'), 'g')
  return (text) => text.replace(pattern, MASK)
}

/** Longer ones first, for the first alternative of a pattern wins. */
function formsOfAll(secrets: readonly string[]): string[] {
  return [...new Set(secrets.flatMap(formsOf))].sort((a, b) => b.length - a.length)
}

function formsOf(secret: string): string[] {
  const trimmed = secret.trim()
  if (trimmed === '') return []
  const lines = trimmed
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line.length >= MIN_LINE_LENGTH && !line.startsWith('-----'))
  return [trimmed, JSON.stringify(trimmed).slice(1, -1), percentEncoded(trimmed), ...lines]
}

function percentEncoded(text: string): string {
  // Through UTF-8, for a lone surrogate makes encodeURIComponent throw.
  return encodeURIComponent(Buffer.from(text).toString())
}

function toPattern(form: string): string {
  return form.length < MIN_EMBEDDED_LENGTH ? standingAlone(form) : literal(form)
}

function standingAlone(form: string): string {
  return `(?<![\\w.-])${literal(form)}(?![\\w-]|\\.\\w)`
}

function literal(form: string): string {
  return form.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
