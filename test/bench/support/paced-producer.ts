import { setTimeout as pause } from 'node:timers/promises'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { logMessages } from './log-records.js'

const sendEveryMs = 10

export interface Pace {
  readonly brokers: string
  readonly topic: string
  readonly partitions: number
  readonly recordsPerSecond: number
  readonly forMs: number
}

/** Produces evenly, each record with the time at which it was sent as its timestamp. Returns how many there were. */
export async function produceAtPace(pace: Pace): Promise<number> {
  const { brokers, topic, partitions, recordsPerSecond, forMs } = pace
  const kafka = new Kafka({ clientId: 'bench', brokers: brokers.split(','), logLevel: logLevel.NOTHING })
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  const startMs = performance.now()
  const sends: Promise<unknown>[] = []
  let sent = 0
  for (;;) {
    const sinceMs = performance.now() - startMs
    if (sinceMs >= forMs) break
    const count = Math.floor((sinceMs * recordsPerSecond) / 1000) - sent
    if (count > 0) {
      const timestamp = String(Date.now())
      const messages = logMessages({ from: sent, count, partitions }).map((one) => ({ ...one, timestamp }))
      sends.push(producer.send({ topic, acks: 1, messages }))
      sent += count
    }
    await pause(sendEveryMs)
  }
  await Promise.all(sends)
  await producer.disconnect()
  return sent
}
