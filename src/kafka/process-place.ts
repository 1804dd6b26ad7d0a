import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** Where a process runs, told so that another one can find out whether it still does. */
export interface ProcessPlace {
  /** Equal where process ids mean the same: one boot of one machine, one process id namespace. */
  readonly home: string
  readonly pid: number
}

/** This process'. Undefined where the system does not tell: anywhere but on Linux. */
export function ownPlace(): ProcessPlace | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const namespace = readlinkSync('/proc/self/ns/pid')
    const home = createHash('sha256').update([hostname(), boot, namespace].join('\n')).digest('base64url')
    return { home, pid: process.pid }
  } catch {
    return undefined
  }
}

/**
 * Whether a process has certainly ended. False where that cannot be known: it ran elsewhere, it is this one, its id belongs to
 * somebody again, or nobody has taken its exit code yet.
 */
export function hasEnded(place: ProcessPlace, own: ProcessPlace): boolean {
  if (place.home !== own.home || place.pid === own.pid) return false
  try {
    process.kill(place.pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
