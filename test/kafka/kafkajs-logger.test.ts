import assert from 'node:assert/strict'
import { test } from 'node:test'
import kafkajs from 'kafkajs'
import { kafkajsLogger, type KafkaLogLine } from '../../src/kafka/kafkajs-logger.js'

test("a line of kafkajs' log is told with its fields, after the listener has seen it", () => {
  const lines: KafkaLogLine[] = []
  const seen: string[] = []
  const log = kafkajsLogger(
    (line) => lines.push(line),
    (entry) => {
      assert.equal(lines.length, 0)
      seen.push(entry.log.message)
    },
  )()
  const message = 'Response Heartbeat(key: 12, version: 3)'
  const more = { broker: 'b:9092', timestamp: '2026-11-23T00:00:00.000Z', logger: 'kafkajs', stack: 'at x' }
  const level = kafkajs.logLevel.ERROR
  log({ namespace: 'Connection', level, label: 'ERROR', log: { message, ...more } })
  assert.deepEqual(lines, [{ namespace: 'Connection', message, fields: { broker: 'b:9092' } }])
  assert.deepEqual(seen, [message])
})
