import type { LogEntry } from 'kafkajs'

export interface KafkaLogLine {
  readonly namespace: string
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** Where the client's own log lines go. */
export type KafkaLog = (line: KafkaLogLine) => void

/** Sees each entry first; kafkajs tells some events in no other way. */
export type LogListener = (entry: LogEntry) => void

const hidden = new Set(['message', 'timestamp', 'logger', 'stack'])

/**
 * kafkajs' log creator on top of our log, for who looks for a fault in the client. What it reports as errors and warnings it, or we,
 * then handle (a broker that restarts, a rebalance), and our own events tell of it, with what to do.
 */
export function kafkajsLogger(log: KafkaLog, listener: LogListener): () => (entry: LogEntry) => void {
  return () => (entry) => {
    listener(entry)
    const fields = Object.fromEntries(Object.entries(entry.log).filter(([key]) => !hidden.has(key)))
    log({ namespace: entry.namespace, message: entry.log.message, fields })
  }
}
