import type { Severity } from '../delivery/log-record.js'

const bySeverity: Readonly<Record<Exclude<Severity, 'low'>, readonly string[]>> = {
  medium: ['warn', 'warning', 'w'],
  high: ['error', 'err', 'e', 'severe', 'failure'],
  critical: ['fatal', 'f', 'critical', 'crit', 'c', 'alert', 'emerg', 'emergency', 'panic', 'dpanic'],
}

const byName = new Map<string, Severity>(
  (['medium', 'high', 'critical'] as const).flatMap((severity) =>
    bySeverity[severity].map((name): [string, Severity] => [name, severity]),
  ),
)

/**
 * The severity that a record's own level stands for: trace, debug, info, notice and whatever is unknown `low`, warn
 * `medium`, error `high`, fatal and above `critical`. Names in any case, also one letter (klog) and those of syslog and
 * java.util.logging; numbers as syslog has them (0 emergency to 7 debug) and as pino and bunyan have them (10 trace to 60 fatal).
 */
export function severityOfLevel(level: string | number | undefined): Severity {
  if (level === undefined) return 'low'
  if (typeof level === 'number') return ofNumber(level)
  const name = level.trim().toLowerCase()
  return byName.get(name) ?? (/^\d{1,2}$/.test(name) ? ofNumber(Number(name)) : 'low')
}

function ofNumber(level: number): Severity {
  if (level >= 0 && level <= 7) return ofSyslog(level)
  if (!(level >= 40)) return 'low'
  if (level < 50) return 'medium'
  return level < 60 ? 'high' : 'critical'
}

function ofSyslog(level: number): Severity {
  if (level <= 2) return 'critical'
  if (level === 3) return 'high'
  return level === 4 ? 'medium' : 'low'
}
