import type { Json } from '../delivery/log-record.js'

/** 9999-12-31T23:59:59.999Z */
const latestMs = 253_402_300_799_999

/**
 * The time in ms since 1970 that a time field says, or `undefined` if it says none that is between 1970 and the year 9999.
 *
 * - numbers, and strings of digits: seconds, ms, µs or ns since 1970, by their size. Taken from 1973-03-03 to 2286-11-20:
 *   a smaller number in a field named `time` is a duration.
 * - ISO 8601 and its relatives: `T` or a space or `-` before the hour, `-` `/` `.` between the parts of the date, `.` or `,`
 *   before fractions (cut to ms), two-digit years, the basic form, date only. A zone if given, else UTC.
 * - syslog (`Dec 10 06:55:46`): the year that puts it nearest to `referenceMs`, the record's Kafka timestamp.
 * - Apache's and nginx's access log (`10/Oct/2000:13:55:36 -0700`), RFC 2822 (`Tue, 10 Oct 2000 13:55:36 GMT`), and
 *   `081109 203615` as HDFS writes it.
 */
export function parseTime(value: Json | undefined, referenceMs: number): number | undefined {
  const timeMs = typeof value === 'string' ? parseText(value.trim(), referenceMs) : fromNumber(value)
  return timeMs !== undefined && timeMs >= 0 && timeMs <= latestMs ? timeMs : undefined
}

function parseText(text: string, referenceMs: number): number | undefined {
  if (text.length > longestText) return undefined
  if (plainIso.test(text)) return Date.parse(text)
  const iso = isoLike.exec(text)
  if (iso !== null) return fromIso(iso)
  if (digits.test(text)) return fromNumber(Number(text))
  const named = monthByName.exec(text) ?? dayByName.exec(text)
  if (named !== null) return fromNamedMonth(named, referenceMs)
  const compact = compactDate.exec(text)
  return compact === null ? undefined : fromIso(compact)
}

const longestText = 64
/** What most records carry, left to the engine's own parser. That one takes the 30th of February for March: only days to 28. */
const plainIso = /^\d{4}-\d\d-(?:[01]\d|2[0-8])T\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/
const digits = /^\d{9,20}(?:\.\d+)?$/

/** Each unit's window is the same stretch of time; they do not touch, so no number has two meanings. */
function fromNumber(value: unknown): number | undefined {
  if (typeof value !== 'number') return undefined
  if (value >= 1e8 && value < 1e10) return Math.round(value * 1000)
  if (value >= 1e11 && value < 1e13) return Math.floor(value)
  if (value >= 1e14 && value < 1e16) return Math.floor(value / 1e3)
  return value >= 1e17 && value < 1e19 ? Math.floor(value / 1e6) : undefined
}

const clock = String.raw`(?<hour>\d\d)[:.](?<minute>\d\d)(?:[:.](?<second>\d\d)(?:[.,](?<fraction>\d{1,12}))?)?`
const zone = String.raw`(?:\s?(?<zone>Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?`
const isoLike = new RegExp(
  String.raw`^(?<year>\d{4}|\d\d(?=\/))([-/.])(?<month>\d\d)\2(?<day>\d\d)(?:[Tt \-]${clock}${zone})?$`,
)
const compactClock = String.raw`(?<hour>\d\d)(?<minute>\d\d)(?<second>\d\d)(?:[.,](?<fraction>\d{1,12}))?`
const compactDate = new RegExp(
  String.raw`^(?<year>\d{4}(?=\d{4}T)|\d\d(?=\d{4} ))(?<month>\d\d)(?<day>\d\d)[T ]${compactClock}${zone}$`,
)
const monthName = '(?<monthName>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)'
const weekday = '(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )?'
/** `Dec 10 06:55:46`, `Dec 10 06:55:46 2015`, `Dec 10 2015 06:55:46`, a weekday before it or not. */
const monthByName = new RegExp(
  String.raw`^${weekday}${monthName} {1,2}(?<day>\d{1,2})(?: (?<year>\d{4}))? ${clock}(?: (?<yearAfter>\d{4}))?${zone}$`,
)
/** `10/Oct/2000:13:55:36 -0700`, `Tue, 10 Oct 2000 13:55:36 GMT`, in brackets or not. */
const dayByName = new RegExp(
  String.raw`^\[?${weekday}(?<day>\d{1,2})[/ -]${monthName}[/ -](?<year>\d{4})[: ]${clock}${zone}\]?$`,
)

type Parts = Readonly<Record<string, string | undefined>>

function fromIso(match: RegExpExecArray): number | undefined {
  const parts: Parts = match.groups ?? {}
  const year = Number(parts['year'])
  return toMs(parts, parts['year']?.length === 2 ? 2000 + year : year, Number(parts['month']))
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

function fromNamedMonth(match: RegExpExecArray, referenceMs: number): number | undefined {
  const parts: Parts = match.groups ?? {}
  const month = months.indexOf(parts['monthName'] ?? '') + 1
  const year = parts['year'] ?? parts['yearAfter']
  return year === undefined ? nearest(parts, month, referenceMs) : toMs(parts, Number(year), month)
}

function nearest(parts: Parts, month: number, referenceMs: number): number | undefined {
  const referenceYear = new Date(referenceMs).getUTCFullYear()
  let best: number | undefined
  for (const year of [referenceYear - 1, referenceYear, referenceYear + 1]) {
    const timeMs = toMs(parts, year, month)
    if (timeMs === undefined) continue
    if (best === undefined || Math.abs(timeMs - referenceMs) < Math.abs(best - referenceMs)) best = timeMs
  }
  return best
}

/** Checked against the calendar: the 30th of February is no time. A leap second counts as the next minute's first. */
function toMs(parts: Parts, year: number, month: number): number | undefined {
  const day = Number(parts['day'])
  const hour = Number(parts['hour'] ?? 0)
  const minute = Number(parts['minute'] ?? 0)
  const second = Number(parts['second'] ?? 0)
  const offset = zoneMinutes(parts['zone'])
  if (!isDate(year, month, day) || hour > 23 || minute > 59 || second > 60 || offset === undefined)
    return undefined
  const ms = Number((parts['fraction'] ?? '').slice(0, 3).padEnd(3, '0'))
  return Date.UTC(year, month - 1, day, hour, minute - offset, second, ms)
}

/** `Date.UTC` reads the years 0 to 99 as 1900 to 1999; none of these is a time of ours anyway. */
function isDate(year: number, month: number, day: number): boolean {
  if (year < 100 || month < 1 || month > 12 || day < 1) return false
  return day <= new Date(Date.UTC(year, month, 0)).getUTCDate()
}

function zoneMinutes(zone: string | undefined): number | undefined {
  if (zone === undefined || !/^[+-]/.test(zone)) return 0
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(3).replace(':', '') || 0)
  if (hours > 23 || minutes > 59) return undefined
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes)
}
