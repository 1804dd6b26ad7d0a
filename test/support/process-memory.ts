import { readFileSync } from 'node:fs'

/** Resident memory of a process in MiB: now (`VmRSS`), or the most so far (`VmHWM`). Linux only. @throws Error where it has ended */
export function memoryMiB(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const kib = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]
  if (kib === undefined) throw new Error(`no ${field} of process ${pid}`)
  return Number(kib) / 1024
}
