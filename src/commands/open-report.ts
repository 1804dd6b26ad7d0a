import { maskInUse } from '../assembly/secrets-in-use.js'
import type { Config } from '../config/schema.js'
import type { CommandContext } from './command.js'
import { findingLine, type Report } from './finding.js'

export interface OpenReport {
  readonly report: Report
  /** How many lines say FAIL so far. */
  readonly failures: number
}

/** A report on the standard output. What servers said may quote our credentials: no line contains a secret. */
export function openReport(
  config: Config,
  { stdout, environment }: Pick<CommandContext, 'stdout' | 'environment'>,
): OpenReport {
  const mask = maskInUse(config, environment)
  let failures = 0
  return {
    report: (finding) => {
      if (finding.status === 'FAIL') failures++
      const { subject, message } = finding
      stdout.write(`${findingLine({ ...finding, subject: mask(subject), message: mask(message) })}\n`)
    },
    get failures() {
      return failures
    },
  }
}
