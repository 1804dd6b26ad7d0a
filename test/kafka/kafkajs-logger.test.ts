import assert from 'node:assert/strict'
import { test } from 'node:test'
import kafkajs from 'kafkajs'
import { kafkajsLogger, type KafkaLogLine } from '../../src/kafka/kafkajs-logger.js'

const { logLevel } = kafkajs
const leave = 'Response LeaveGroup(key: 13, version: 3)'
const heartbeat = 'Response Heartbeat(key: 12, version: 3)'

for (const [at, message, level] of [
  ['ERROR', heartbeat, 'warn'],
  ['WARN', heartbeat, 'info'],
  ['INFO', heartbeat, 'debug'],
  // A drain leaves the group before kafkajs does: no news for who reads the log of a stop.
  ['ERROR', leave, 'debug'],
] as const) {
  test(`kafkajs' ${at} "${message}" is told at ${level}`, () => {
    const lines: KafkaLogLine[] = []
    const seen: string[] = []
    const log = kafkajsLogger(
      (line) => lines.push(line),
      (entry) => seen.push(entry.log.message),
    )()
    const more = { broker: 'b:9092', timestamp: '2026-11-23T00:00:00.000Z', logger: 'kafkajs' }
    log({ namespace: 'Connection', level: logLevel[at], label: at, log: { message, ...more } })
    assert.deepEqual(lines, [{ level, namespace: 'Connection', message, fields: { broker: 'b:9092' } }])
    assert.deepEqual(seen, [message])
  })
}
