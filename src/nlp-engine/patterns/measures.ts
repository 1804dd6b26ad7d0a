import type { Pattern } from './pattern.js'

const number = '\\d{1,18}(?:,\\d{3}){0,5}(?:\\.\\d{1,9})?'
const month = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)'
const clock = '\\d\\d:\\d\\d:\\d\\d(?:[.,]\\d{1,9})?'
const zone = '(?: ?(?:Z|UTC|GMT|[+-]\\d\\d:?\\d\\d)(?!\\w))?'

export const measurePatterns: readonly Pattern[] = [
  {
    type: 'size',
    expression: new RegExp(
      `(?<![\\w.$])${number} ?(?:[kKMGTPE]i?[Bb]|B|[Bb]ytes?|[KMGT]i|bits?)(?:\\/s(?:ec)?|ps)?(?!\\w)`,
      'g',
    ),
  },
  {
    type: 'duration',
    expression: new RegExp(
      `(?<![\\w.$])${number} ?(?:ns|us|µs|μs|ms|msecs?|millis(?:econds?)?|milliseconds?|microseconds?|nanoseconds?|` +
        's|secs?|seconds?|mins?|minutes?|hrs?|hours?|days?|weeks?)(?![\\w/])',
      'gi',
    ),
  },
  {
    // As Go, Kubernetes and Prometheus write it: 4m12s, 1h30m, 5m, 7d.
    type: 'duration',
    expression:
      /(?<![\w.$-])(?=\d)(?:\d{1,6}d)?(?:\d{1,6}h)?(?:\d{1,6}m(?!s))?(?:\d{1,6}(?:\.\d{1,9})?m?s)?(?![\w/.]\w|\w)/g,
  },
  {
    type: 'timestamp',
    needs: [':', '.'],
    expression: new RegExp(
      `(?<!\\d)\\d{4}([-/.])\\d\\d\\1\\d\\d(?:[T _-]|, )\\d\\d[:.]\\d\\d(?:[:.]\\d\\d(?:[.,]\\d{1,9})?)?${zone}(?!\\d)`,
      'g',
    ),
  },
  {
    type: 'timestamp',
    needs: [':'],
    expression: new RegExp(
      `(?<!\\w)(?:[A-Z][a-z]{2},? )?${month} {1,2}\\d{1,2}(?:,? \\d{4})?,? ${clock}(?: \\d{4}(?!\\d))?`,
      'g',
    ),
  },
  {
    type: 'timestamp',
    needs: [':'],
    expression: new RegExp(
      `(?<!\\w)(?:[A-Z][a-z]{2}, )?\\d{1,2}([ /-])${month}\\1\\d{2,4}[ :]${clock}${zone}`,
      'g',
    ),
  },
  {
    type: 'timestamp',
    needs: ['/'],
    expression: new RegExp(`(?<![\\d/])\\d{1,2}\\/\\d{1,2}\\/\\d{2}(?:\\d\\d)?,? ${clock}(?!\\d)`, 'g'),
  },
  { type: 'timestamp', expression: /^\d{6} \d{6}(?!\w)/g },
  { type: 'timestamp', expression: /^([IWEF])(\d{4} \d\d:\d\d:\d\d\.\d{6})(?!\d)/g },
  {
    // Seconds since 1970 are told from other numbers by where they stand: in a line's header, or behind a name.
    type: 'timestamp',
    expression: /^([[(]?(?:[^\s\d]{1,12} )?)(1\d{9}(?:\.\d{1,9})?)(?=[\s\])])/g,
  },
  {
    type: 'timestamp',
    needs: ['ts', 'time', 'Time'],
    expression:
      /((?<![a-z])(?:ts|time|timestamp|@timestamp)["']?\s?[=:]\s?"?)(1\d{9}(?:\d{3}|\d{6}|\d{9}|\.\d{1,9})?)(?![\w.])/gi,
  },
  {
    type: 'date',
    expression:
      /(?<!\d|\d[./-])(?:19|20)\d\d([-/.])(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])(?![\d/]|[.-]\d)/g,
  },
  { type: 'time', needs: [':'], expression: new RegExp(`(?<![\\w:.])${clock}(?![\\w:])`, 'g') },
]
