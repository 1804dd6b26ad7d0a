import type { LogOutput } from '../../../src/telemetry/log-output.js'

export type Line = Record<string, unknown> & { event: string; level: string; msg: string }

/** Keeps every line that is written. */
export function logCapture(): LogOutput & { readonly raw: string[]; readonly lines: Line[] } {
  const raw: string[] = []
  return {
    raw,
    get lines() {
      return raw.map((line) => JSON.parse(line) as Line)
    },
    lost: 0,
    write: (line) => {
      raw.push(line)
    },
    flush: () => Promise.resolve(),
  }
}
