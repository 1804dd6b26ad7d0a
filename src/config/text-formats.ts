import { refused, taken, text, type Format } from './format.js'

const credentials = /^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i

/** A URL without what may be secret in it: user, password and the values of its query. */
function showUrl(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value)
  const masked = value.replace(credentials, '$1***@').replace(/([?&][^=&#]*=)[^&#]*/g, '$1***')
  return JSON.stringify(masked)
}

/** An `http:` or `https:` URL without user and password. */
export function httpUrl(): Format<string> {
  const expected = 'a URL that starts with http:// or https://'
  const format = text({
    expected,
    pattern: /^https?:\/\/[^\s/?#]/i,
    show: showUrl,
    objection: (value) => {
      if (!URL.canParse(value)) return expected
      const { username, password } = new URL(value)
      return username === '' && password === ''
        ? undefined
        : 'a URL without user and password: they have settings of their own'
    },
  })
  // JSON Schema's patterns have no flag for case.
  return { ...format, jsonSchema: { type: 'string', pattern: '^[hH][tT][tT][pP][sS]?://[^\\s/?#]' } }
}

/** The address of the NLP service, or `embedded:`. */
export function nlpUrl(): Format<string> {
  const url = httpUrl()
  const expected = `embedded: or ${url.expected}`
  return {
    ...url,
    expected,
    jsonSchema: { type: 'string', pattern: '^([hH][tT][tT][pP][sS]?://[^\\s/?#]|embedded:$)' },
    accept: (raw) => {
      if (raw === 'embedded:') return taken('embedded:')
      const accepted = url.accept(raw)
      return accepted.ok || accepted.expected !== url.expected ? accepted : refused(expected)
    },
  }
}

/** A broker's address, `host:port`. */
export function hostAndPort(): Format<string> {
  const expected = 'host:port'
  return text({
    expected,
    pattern: /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}$/,
    objection: (value) => {
      const port = Number(value.slice(value.lastIndexOf(':') + 1))
      return port >= 1 && port <= 65535 ? undefined : `${expected} with a port from 1 to 65535`
    },
  })
}

/** PEM text, shown by its size only. */
export function pem(label: 'CERTIFICATE' | 'PRIVATE KEY'): Format<string> {
  const what = label === 'CERTIFICATE' ? 'certificates' : 'a private key'
  return text({
    expected: `PEM text of ${what} (to read it from a file use the variable that ends in _FILE)`,
    pattern: new RegExp(`-----BEGIN [A-Z ]*${label}-----[\\s\\S]+-----END [A-Z ]*${label}-----`),
    show: (value) => (typeof value === 'string' ? `(text of ${Buffer.byteLength(value)} bytes)` : 'no text'),
  })
}

const headerName = /^[A-Za-z0-9_-]+$/
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/

/**
 * HTTP headers, an object of names and texts. Names are letters, digits, `-` and `_`, which is what proxies let through
 * (and convict takes a dot in a name for a path).
 */
export function headers(): Format<Readonly<Record<string, string>>> {
  const expected = 'a JSON object of header names (letters, digits, - and _) and texts of one line'
  return {
    expected,
    jsonSchema: {
      type: 'object',
      propertyNames: { pattern: headerName.source },
      additionalProperties: { type: 'string', pattern: headerValue.source },
    },
    parse: (raw) => {
      try {
        return JSON.parse(raw) as unknown
      } catch {
        return raw
      }
    },
    accept: (raw) => {
      if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return refused(expected)
      const entries: [string, string][] = []
      for (const [name, value] of Object.entries(raw)) {
        const fine = headerName.test(name) && typeof value === 'string' && headerValue.test(value)
        if (!fine) return refused(expected)
        entries.push([name, value])
      }
      return taken(Object.fromEntries(entries))
    },
  }
}

/** A JSON pointer (RFC 6901); the empty one is the whole answer. */
export function jsonPointer(): Format<string> {
  return text({
    expected: 'a JSON pointer such as /results/0/label, or empty text for the whole',
    pattern: /^(\/([^~/]|~[01])*)*$/,
  })
}

/** A path; a relative one starts from where the program was started. */
export function filePath(): Format<string> {
  return text({ expected: 'the path of a file', pattern: /^[^\0]+$/ })
}

const protocols = ['enrichd', 'corenlp', 'http'] as const

/** One of the protocols that are built in, or the path of an ES module. */
export function nlpProtocol(): Format<string> {
  return text({
    expected: `${protocols.join(', ')} or the path of an ES module (.js or .mjs)`,
    pattern: new RegExp(`^(${protocols.join('|')}|[^\\0]+\\.m?js)$`),
  })
}
