import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const timeoutMs = 10_000

/**
 * A producer, and what the group has committed. kafkajs is there once the packages are installed.
 *
 * @param {{ brokers: string, topic: string, groupId: string }} options
 */
export async function connectKafka({ brokers, topic, groupId }) {
  const { Kafka, Partitioners, logLevel } = (await import('kafkajs')).default
  const kafka = new Kafka({
    clientId: 'demo',
    brokers: brokers.split(','),
    logLevel: logLevel.NOTHING,
    requestTimeout: timeoutMs,
  })
  const producer = kafka.producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
  })
  const admin = kafka.admin()
  await Promise.all([producer.connect(), admin.connect()])
  return {
    createTopic: (name, numPartitions) => admin.createTopics({ topics: [{ topic: name, numPartitions }] }),
    /** @param {{ key: string, value: string }[]} messages */
    send: (messages) => producer.send({ topic, messages }),
    /** @returns {Promise<number>} records that the group has finished, by its committed offsets */
    committed: async () => {
      const [{ partitions }] = await admin.fetchOffsets({ groupId, topics: [topic] })
      return partitions.reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0)
    },
    close: () => Promise.allSettled([producer.disconnect(), admin.disconnect()]),
  }
}

/**
 * Sends minute after minute of the logs, each in `paceMs`.
 *
 * @param {{ key: string, value: string }[][]} minutes
 * @param {{ send: (messages: { key: string, value: string }[]) => Promise<unknown>, paceMs: number, signal: AbortSignal,
 *   onSent: (count: number) => void }} options
 */
export async function feed(minutes, { send, paceMs, signal, onSent }) {
  for (const messages of minutes) {
    signal.throwIfAborted()
    const begun = performance.now()
    if (messages.length > 0) await send(messages)
    onSent(messages.length)
    await sleep(Math.max(0, paceMs - (performance.now() - begun)), undefined, { signal })
  }
}

/** @param {string} path @param {{ value: string }[]} records one line each */
export function writeLogFile(path, records) {
  writeFileSync(path, records.map(({ value }) => `${value}\n`).join(''))
}
