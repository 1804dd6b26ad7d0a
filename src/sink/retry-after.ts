/** No wait that a server asks for is longer than this. */
const maxRetryAfterMs = 3_600_000

/**
 * How long a server asks to be left alone, in ms: `Retry-After` in seconds or as a date, which is read against the
 * server's own `Date` where it sends one, so that a clock that is off does not matter. Undefined without a valid header.
 * At most an hour.
 */
export function retryAfterMs(headers: Readonly<Record<string, unknown>>): number | undefined {
  const value = headers['retry-after']
  if (typeof value !== 'string') return undefined
  const text = value.trim()
  if (/^\d+(\.\d+)?$/.test(text)) return Math.min(Number(text) * 1000, maxRetryAfterMs)
  const until = Date.parse(text)
  if (Number.isNaN(until)) return undefined
  const serverNow = typeof headers['date'] === 'string' ? Date.parse(headers['date']) : Number.NaN
  const now = Number.isNaN(serverNow) ? Date.now() : serverNow
  return Math.min(Math.max(until - now, 0), maxRetryAfterMs)
}
