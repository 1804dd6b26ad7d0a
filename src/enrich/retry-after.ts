/** The longest wait that an answer can ask of us: five minutes. Whoever is asked sooner simply says so again. */
export const maxRetryAfterMs = 300_000

type Headers = Readonly<Record<string, string | string[] | undefined>>

/**
 * How long an answer asks us to wait, in ms, at most `maxRetryAfterMs`; `undefined` if it does not ask. In this order:
 * `Retry-After` in seconds or as an HTTP date (taken relative to the answer's own `Date`, so that a clock that is off does
 * no harm), `RateLimit` (`…t=5`, before that `reset=5`) and `RateLimit-Reset`, and Hugging Face's `estimated_time` in the body.
 */
export function retryAfterMs(headers: Headers, body: string): number | undefined {
  const seconds =
    fromRetryAfter(first(headers['retry-after']), first(headers['date'])) ??
    fromRateLimit(first(headers['ratelimit'])) ??
    digits(first(headers['ratelimit-reset'])) ??
    fromEstimatedTime(body)
  return seconds === undefined ? undefined : Math.min(Math.max(0, seconds * 1000), maxRetryAfterMs)
}

function first(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header
}

function digits(value: string | undefined): number | undefined {
  return value !== undefined && /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) : undefined
}

function fromRetryAfter(value: string | undefined, date: string | undefined): number | undefined {
  if (value === undefined) return undefined
  const seconds = digits(value)
  if (seconds !== undefined) return seconds
  const then = Date.parse(value)
  if (Number.isNaN(then)) return undefined
  const now = Date.parse(date ?? '')
  return (then - (Number.isNaN(now) ? Date.now() : now)) / 1000
}

function fromRateLimit(value: string | undefined): number | undefined {
  return digits(/(?:^|[;,\s])(?:t|reset)\s*=\s*(\d+)/i.exec(value ?? '')?.[1])
}

function fromEstimatedTime(body: string): number | undefined {
  return digits(/"estimated_time"\s*:\s*(\d+(?:\.\d+)?)/.exec(body)?.[1])
}
