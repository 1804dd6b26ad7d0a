import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { reject, type Rejected } from '../../src/delivery/delivery.js'
import { EnrichdError } from '../../src/errors.js'
import { events } from '../../src/telemetry/events.js'
import { sourceRecord } from '../support/source-record.js'
import { testTelemetry } from './support/test-telemetry.js'

const record = sourceRecord(
  '{"message":"the quick brown fox jumps over the lazy dog","user":"jane.doe@example.org"}',
  {
    topic: 'shop-logs',
    partition: 3,
    offset: 4711,
  },
)

function rejection(error: Error): Rejected {
  return reject(record, { reason: 'nlp-failed', stage: 'enrich', attempts: 3, error })
}

function outage(message = 'connection refused'): EnrichdError {
  return new EnrichdError('NLP_UNREACHABLE', message, { kind: 'outage', retryAfterMs: 5000 })
}

describe('log lines', () => {
  it('tells the whole story of a rejected record in one line', () => {
    const { telemetry, output } = testTelemetry()
    const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' })
    const cause = new Error('other side closed', { cause: reset })
    const error = new EnrichdError('NLP_SERVER_ERROR', 'the NLP service answered 500', {
      kind: 'suspect',
      cause,
      context: { stage: 'enrich', topic: 'shop-logs', partition: 3, offset: 4711, attempt: 3 },
    })
    telemetry.recordFinished(rejection(error), 12_000)
    assert.equal(output.raw.length, 1)
    const { time, ...line } = output.lines[0]!
    assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    assert.deepEqual(line, {
      level: 'warn',
      event: 'record.rejected',
      msg: 'record shop-logs-3 @ 4711 becomes a dead letter, nlp-failed in enrich after 3 attempts: the NLP service answered 500',
      stage: 'enrich',
      topic: 'shop-logs',
      partition: 3,
      offset: 4711,
      attempts: 3,
      reason: 'nlp-failed',
      error: {
        code: 'NLP_SERVER_ERROR',
        kind: 'suspect',
        stage: 'enrich',
        topic: 'shop-logs',
        partition: 3,
        offset: 4711,
        attempt: 3,
        message: 'the NLP service answered 500',
        cause: {
          name: 'Error',
          message: 'other side closed',
          cause: { name: 'Error', code: 'ECONNRESET', syscall: 'read', message: 'read ECONNRESET' },
        },
      },
    })
  })

  it('tells several errors at once, and says how many it left out', () => {
    const { telemetry, output } = testTelemetry()
    const errors = Array.from({ length: 7 }, (_, at) => new Error(`failure ${at}`))
    telemetry.warning('x.y', 'several', { error: new AggregateError(errors, 'all failed') })
    const { error } = output.lines[0] as unknown as { error: { errors: unknown[]; errorsLeftOut: number } }
    assert.equal(error.errors.length, 5)
    assert.equal(error.errorsLeftOut, 2)
  })

  it('keeps a line small and ends, whatever it is given', () => {
    const { telemetry, output } = testTelemetry()
    const loop: Record<string, unknown> = { wide: Array.from({ length: 5000 }, () => 'w'.repeat(5000)) }
    loop['self'] = loop
    const error: Error & { cause?: unknown } = new Error('m'.repeat(1_000_000))
    error.cause = error
    const throws = Object.defineProperty({}, 'x', {
      enumerable: true,
      get: () => {
        throw new Error('getter')
      },
    })
    const odd = { big: 10n, no: undefined, f: () => 1, not: NaN, bytes: Buffer.alloc(9), date: new Date(NaN) }
    telemetry.warning('x.y', 'z'.repeat(100_000), { odd, throws, error, loop })
    assert.equal(output.raw.length, 1)
    assert.ok(output.raw[0]!.length < 40_000, `${output.raw[0]!.length} characters`)
    assert.deepEqual(output.lines[0]!['odd'], {
      big: '10',
      not: 'NaN',
      bytes: '<9 bytes>',
      date: 'invalid date',
    })
  })

  it('does not let fields take the place of level, time, event and msg', () => {
    const { telemetry, output } = testTelemetry()
    telemetry.notice('x.y', 'hello', { level: 'fake', msg: 'fake', event: 'fake', time: 'fake' })
    const line = output.lines[0]!
    assert.equal(line.event, 'x.y')
    assert.equal(line.level, 'info')
    assert.equal(line.msg, 'hello')
    assert.equal(line['level_'], 'fake')
    assert.equal(output.raw[0]!.match(/"event":/g)?.length, 1)
  })

  it('writes nothing per record at info', () => {
    const { telemetry, output } = testTelemetry()
    for (let offset = 0; offset < 1000; offset++) {
      const each = sourceRecord('x', { offset })
      telemetry.retrying('enrich', outage(), each)
      telemetry.nlpRequestFinished(5, 'ok', 1)
      telemetry.bulkFinished(5, 50, 'ok')
      telemetry.recordFinished(
        { status: 'indexed', record: each, receipt: { index: 'i', id: each.id, outcome: 'indexed' } },
        10,
      )
      telemetry.recordFinished({ status: 'dropped', record: each, policy: 'decode.onTombstone' }, 10)
      telemetry.recordFinished({ status: 'released', record: each }, 10)
    }
    assert.deepEqual(output.raw, [])
  })

  it('tells a burst of bad records in ten lines and one that counts the rest by reason', async () => {
    const { telemetry, named, clock, close, start } = testTelemetry()
    start()
    for (let at = 0; at < 1000; at++) telemetry.recordFinished(rejection(outage()), 1)
    assert.equal(named('record.rejected').length, 10)
    clock.advance(1000)
    const [summary] = named('log.suppressed')
    assert.equal(summary?.['count'], 990)
    assert.equal(summary['suppressed'], 'record.rejected')
    assert.deepEqual(summary['counts'], { 'nlp-failed': 990 })
    telemetry.recordFinished(rejection(outage()), 1)
    assert.equal(named('record.rejected').length, 11)
    await close()
    assert.equal(clock.timers, 0)
  })

  it('tells what it left out when it is closed in the middle of a burst', async () => {
    const { telemetry, named, close } = testTelemetry()
    for (let at = 0; at < 15; at++) telemetry.recordFinished(rejection(outage()), 1)
    await close()
    assert.equal(named('log.suppressed')[0]?.['count'], 5)
  })

  it('says that a dependency is down, now and then that it still is, and that it is back', () => {
    const { telemetry, output, clock } = testTelemetry()
    telemetry.dependencyDown('nlp', outage())
    for (let at = 1; at <= 65; at++) {
      clock.advance(1000)
      telemetry.dependencyStillDown('nlp', outage(), at * 1000)
    }
    telemetry.dependencyUp('nlp', 65_000)
    telemetry.dependencyUp('nlp', 65_000)
    assert.deepEqual(
      output.lines.map(({ event, level, msg }) => [event, level, msg]),
      [
        ['nlp.down', 'warn', 'the line waits for the NLP service: connection refused'],
        ['nlp.still_down', 'warn', 'still waiting for the NLP service, after 30 s: connection refused'],
        ['nlp.still_down', 'warn', 'still waiting for the NLP service, after 60 s: connection refused'],
        ['nlp.up', 'info', 'the line goes on: the NLP service is back after 65 s'],
      ],
    )
  })

  it('writes one line for each attempt to reach Kafka, and that it is back once joined', () => {
    const { telemetry, output, clock } = testTelemetry()
    const error = new EnrichdError('KAFKA_UNREACHABLE', 'connect ECONNREFUSED', { kind: 'outage' })
    telemetry.dependencyDown('kafka', error)
    clock.advance(2000)
    telemetry.dependencyStillDown('kafka', error, 2000)
    clock.advance(2000)
    telemetry.dependencyStillDown('kafka', error, 4000)
    clock.advance(1000)
    const partitions = [0, 1, 2, 5].map((partition) => ({ topic: 'logs', partition }))
    telemetry.assigned(partitions, 1)
    assert.deepEqual(
      output.lines.map(({ event }) => event),
      ['kafka.down', 'kafka.still_down', 'kafka.still_down', 'kafka.up', 'kafka.assigned'],
    )
    assert.equal(output.lines[4]!['partitions'], 'logs[0-2,5]')
    assert.equal(output.lines[3]!['waitedMs'], 5000)
  })

  it('is louder about a wrong setting than about an outage', () => {
    const { telemetry, output } = testTelemetry()
    const error = new EnrichdError('NLP_MISCONFIGURED', 'nlp.bearerToken: answered 401', { kind: 'setting' })
    telemetry.dependencyDown('nlp', error)
    const [line] = output.lines
    assert.equal(line?.event, 'nlp.misconfigured')
    assert.equal(line.level, 'error')
    assert.match(line.msg, /nlp\.bearerToken: answered 401$/)
  })

  it('tells the daemon’s life from start to stop, with the sum of its work', () => {
    const { telemetry, output, status } = testTelemetry()
    telemetry.lifecycle('starting')
    telemetry.lifecycle('running')
    telemetry.lifecycle('draining', { reason: 'received SIGTERM' })
    assert.equal(status().state, 'draining')
    telemetry.lifecycle('stopped', { durationMs: 12, cutOff: false })
    assert.deepEqual(
      output.lines.map(({ event, level }) => `${event} ${level}`),
      ['daemon.starting info', 'daemon.running info', 'daemon.draining info', 'daemon.stopped info'],
    )
    assert.equal(output.lines[2]!.msg, 'draining: received SIGTERM')
    assert.equal(output.lines[3]!['processed'], 0)
  })

  it('says at error why the daemon cannot go on', () => {
    const { telemetry, named } = testTelemetry()
    telemetry.lifecycle('draining', {
      reason: 'the flow failed',
      error: new TypeError('x is not a function'),
    })
    const [line] = named('daemon.failed')
    assert.equal(line?.level, 'error')
    const { error } = line as unknown as { error: { name: string; stack: string } }
    assert.equal(error.name, 'TypeError')
    assert.match(error.stack, /^at .*log-lines\.test\.ts/)
  })

  it('carries the Kafka client’s own lines at debug only', () => {
    const timeout = {
      namespace: 'Connection',
      message: 'Connection timeout',
      fields: { broker: 'a:9092' },
    }
    const quiet = testTelemetry()
    quiet.kafkaLog(timeout)
    assert.equal(quiet.output.raw.length, 0)
    const { kafkaLog, output } = testTelemetry({ log: { level: 'debug' } })
    kafkaLog(timeout)
    assert.equal(output.raw.length, 1)
    const { time, ...line } = output.lines[0]!
    assert.ok(time)
    assert.deepEqual(line, {
      level: 'debug',
      event: 'kafka.client',
      msg: 'Connection: Connection timeout',
      namespace: 'Connection',
      client: { broker: 'a:9092' },
    })
  })

  it('writes lines for people with the message first', () => {
    const { telemetry, output } = testTelemetry({ log: { format: 'pretty' } })
    telemetry.lifecycle('running')
    telemetry.dependencyDown('nlp', outage())
    assert.match(output.raw[0]!, /^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: daemon\.running: running\n$/)
    assert.match(output.raw[1]!, /WARN: nlp\.down: the line waits .*refused\n[^]*NLP_UNREACHABLE/)
  })

  it('gives every event one name of the form component.event', () => {
    for (const name of Object.keys(events)) assert.match(name, /^[a-z_]+\.[a-z_]+$/)
  })
})
