import { EnrichdError, inFull } from '../errors.js'

/**
 * `made`: it was not there, and is now. `warn`: it works, and something about it is worth knowing. Only `FAIL` makes the
 * command end with 1.
 */
export type FindingStatus = 'ok' | 'made' | 'warn' | 'FAIL'

/** One line of a report. */
export interface Finding {
  readonly status: FindingStatus
  /** What was looked at: `kafka broker 10.0.0.1:9092`. */
  readonly subject: string
  /** What was found and, where it failed, what to change. */
  readonly message: string
}

/** Takes a line as soon as it is known. */
export type Report = (finding: Finding) => void

/** The line as it is printed, without its end. */
export function findingLine({ status, subject, message }: Finding): string {
  return `${status.padEnd(4)}  ${subject}: ${message.replace(/\s+/g, ' ')}`
}

/** An error in one line: what the other side said, and the messages of its causes where they add something. */
export function inWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof EnrichdError) return inFull(error)
  const { cause } = error
  return cause instanceof Error && !error.message.includes(cause.message)
    ? `${error.message} (${cause.message})`
    : error.message
}

/** A message and advice as one sentence. */
export function advise(what: string, advice: string): string {
  return `${what.replace(/[.;\s]+$/, '')}; ${advice}`
}

/** What nobody foresaw is a line too, and the rest is still tried. */
export async function attempt<T>(
  subject: string,
  report: Report,
  run: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await run()
  } catch (error) {
    report({ status: 'FAIL', subject, message: inWords(error) })
    return undefined
  }
}
