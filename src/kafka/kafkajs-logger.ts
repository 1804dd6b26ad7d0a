import type { LogEntry } from 'kafkajs'
import kafkajs from 'kafkajs'

export interface KafkaLogLine {
  readonly level: 'error' | 'warn' | 'info' | 'debug'
  readonly namespace: string
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** Where the client's own log lines go. */
export type KafkaLog = (line: KafkaLogLine) => void

/** Sees each entry first; kafkajs tells some events in no other way. */
export type LogListener = (entry: LogEntry) => void

/** A drain has left the group by a request of its own (`leave-group.ts`), and kafkajs is told so when it leaves it once more. */
const leftAlready = /^Response LeaveGroup\(/

const hidden = new Set(['message', 'timestamp', 'logger', 'stack'])

/**
 * kafkajs' log creator on top of our log. kafkajs reports as errors and warnings what it, or we, then handle (a broker
 * that restarts, a rebalance); our own events tell those, so its lines go one level lower.
 */
export function kafkajsLogger(log: KafkaLog, listener: LogListener): () => (entry: LogEntry) => void {
  const { logLevel } = kafkajs
  return () => (entry) => {
    listener(entry)
    const fields = Object.fromEntries(Object.entries(entry.log).filter(([key]) => !hidden.has(key)))
    const { message } = entry.log
    let level: KafkaLogLine['level'] = 'debug'
    if (entry.level === logLevel.WARN) level = 'info'
    else if (entry.level <= logLevel.ERROR && !leftAlready.test(message)) level = 'warn'
    log({ level, namespace: entry.namespace, message, fields })
  }
}
