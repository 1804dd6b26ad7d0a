import type { Dependency } from './telemetry.js'

/** A dependency as a sentence names it. */
export const dependencyInWords: Readonly<Record<Dependency, string>> = {
  kafka: 'Kafka',
  nlp: 'the NLP service',
  elasticsearch: 'Elasticsearch',
  'dead-letter': 'the dead letter topic or file',
}

/**
 * `12,345`; small fractions keep one digit. Not by `toLocaleString`: the first call of that loads V8's tables of languages, for which
 * everything waited for 20 ms, in the middle of the first report.
 */
export function countInWords(count: number): string {
  const rounded = count < 10 ? Math.round(count * 10) / 10 : Math.round(count)
  return String(rounded).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** `48 ms`, `2.3 s`, `12 min`, `3.5 h`. */
export function durationInWords(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`
  if (durationMs < 120_000) return `${countInWords(durationMs / 1000)} s`
  if (durationMs < 7_200_000) return `${countInWords(durationMs / 60_000)} min`
  return `${countInWords(durationMs / 3_600_000)} h`
}

/** `512 B`, `64 MiB`. */
export function bytesInWords(bytes: number): string {
  if (bytes < 1024) return `${Math.round(bytes)} B`
  if (bytes < 1_048_576) return `${countInWords(bytes / 1024)} KiB`
  return `${countInWords(bytes / 1_048_576)} MiB`
}
