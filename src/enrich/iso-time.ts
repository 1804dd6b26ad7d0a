const dayMs = 86_400_000
const twoDigits = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'))

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
  const seconds = Math.floor(ms / 1000)
  const minutes = Math.floor(seconds / 60)
  const clock = `${twoDigits[Math.floor(minutes / 60)]}:${twoDigits[minutes % 60]}:${twoDigits[seconds % 60]}`
  return `${dateKnown}${clock}.${String(ms % 1000).padStart(3, '0')}Z`
}
