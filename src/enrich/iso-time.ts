const dayMs = 86_400_000
const minuteMs = 60_000
const digits = (number: number, count: number): string => String(number).padStart(count, '0')
const secondTexts = Array.from({ length: 60 }, (_, second) => `${digits(second, 2)}.`)
const msTexts = Array.from({ length: 1000 }, (_, ms) => `${digits(ms, 3)}Z`)
const minuteTexts = Array.from(
  { length: dayMs / minuteMs },
  (_, minute) => `${digits(Math.floor(minute / 60), 2)}:${digits(minute % 60, 2)}:`,
)

let dayKnown = NaN
let dateKnown = ''

/**
 * `new Date(timeMs).toISOString()` for whole milliseconds from 1970 to 9999, where most times are of the same day as the one
 * before: 0.07 µs in place of 0.48.
 */
export function isoTime(timeMs: number): string {
  const day = Math.floor(timeMs / dayMs)
  if (day !== dayKnown) {
    dayKnown = day
    dateKnown = new Date(day * dayMs).toISOString().slice(0, 'yyyy-mm-ddT'.length)
  }
  const ms = timeMs - day * dayMs
  const minute = Math.floor(ms / minuteMs)
  const second = Math.floor(ms / 1000) % 60
  return `${dateKnown}${minuteTexts[minute]}${secondTexts[second]}${msTexts[ms % 1000]}`
}
