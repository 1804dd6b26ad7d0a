import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { reject } from '../../src/delivery/delivery.js'
import { EnrichdError } from '../../src/errors.js'
import { hideRecordText } from '../../src/telemetry/hide-record-text.js'
import { maskSecrets } from '../../src/telemetry/mask-secrets.js'
import { sourceRecord } from '../support/source-record.js'
import { testTelemetry } from './support/test-telemetry.js'

const pem = `-----BEGIN PRIVATE KEY-----\nMIICanaryCanaryCanaryCanary0123456789\nQUJDcanarycanarycanarycanary/+==\n-----END PRIVATE KEY-----\n`
const secrets = ['hunter2-canary', 'quo"te\\canary', 'per cent&canary', '20241', pem]

describe('secrets', () => {
  it('appear in no line at any level, in no form', () => {
    const { telemetry, kafkaLog, output, status } = testTelemetry({ log: { level: 'trace', secrets } })
    for (const secret of secrets) {
      const spellings = [
        secret,
        JSON.stringify(secret),
        encodeURIComponent(secret),
        `https://u:${secret}@host/`,
      ]
      for (const text of spellings) {
        const cause = new Error(`cause ${text}`, { cause: text })
        const error = new EnrichdError('NLP_MISCONFIGURED', `bad ${text}`, { kind: 'setting', cause })
        telemetry.dependencyDown('nlp', error)
        telemetry.retrying('enrich', error)
        telemetry.commitFailed(error)
        telemetry.warning('x.y', text, { [text]: { deep: [text, new Map([[text, text]])] } })
        telemetry.lifecycle('draining', { reason: text, error })
        kafkaLog({ namespace: text, message: text, fields: { text } })
        telemetry.recordFinished(
          reject(sourceRecord('x'), { reason: 'nlp-failed', stage: 'enrich', attempts: 1, error }),
          1,
        )
      }
    }
    const all = output.raw.join('') + JSON.stringify(status())
    assert.ok(output.raw.length > 30)
    assert.doesNotMatch(all, /canary/i)
    assert.match(all, /\[secret\]/)
  })

  it('leave every line valid JSON, also where a secret looks like a number', () => {
    const { telemetry, output } = testTelemetry({ log: { secrets: ['2', '17', '20', '{', '"', ':'] } })
    telemetry.notice('x.y', 'at 2 of 20', { count: 20, text: '17' })
    assert.equal(output.lines[0]!.msg, 'at [secret] of [secret]')
    assert.equal(output.lines[0]!['text'], '[secret]')
  })

  it('are masked wherever they stand in a text', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4 }), fc.string(), fc.string(), (secret, before, after) => {
        fc.pre(secret.trim().length >= 4 && !'[secret]'.includes(secret.trim()))
        const masked = maskSecrets([secret])(before + secret + after)
        // What is left over may meet the mask and look like the secret only where the secret looks like the mask.
        fc.pre(!/[\][]|secret/.test(secret))
        assert.ok(!masked.includes(secret.trim()))
      }),
    )
  })

  it('that are names of users are masked where they stand alone, and not within other words', () => {
    const mask = maskSecrets([], ['elastic', 'kafka'])
    assert.equal(
      mask(
        'unable to authenticate user [elastic]: check elasticsearch.password, kafka.sasl.username (elastic:x@host).',
      ),
      'unable to authenticate user [[secret]]: check elasticsearch.password, kafka.sasl.username ([secret]:x@host).',
    )
    assert.equal(mask('it was kafka.'), 'it was [secret].')
  })

  it('cost nothing where there are none', () => {
    const text = 'unchanged'
    assert.equal(maskSecrets([])(text), text)
    assert.equal(maskSecrets(['', '  '])(text), text)
  })
})

describe('what users wrote', () => {
  const message = 'payment of Jane Doe declined by the bank'
  const record = sourceRecord(JSON.stringify({ 'http.response.status': 'forty-two', message }))

  it('is in no line at info or above, however the error quotes it', () => {
    const { telemetry, output } = testTelemetry()
    const quoting = [
      new Error(`cannot analyse: ${message}`),
      new Error(`Unexpected token 'p', "${message.slice(0, 10)}"... is not valid JSON`),
      new Error(`failed to parse date field [${message.slice(0, 9)}] with format [strict_date_time]`),
      new Error(`failed to parse. Preview of field's value: '${message.slice(0, 8)}'`),
    ]
    for (const cause of quoting) {
      const error = new EnrichdError('NLP_REJECTED', cause.message, { kind: 'record', cause, said: message })
      telemetry.recordFinished(
        reject(record, { reason: 'nlp-rejected', stage: 'enrich', attempts: 1, error }),
        1,
      )
    }
    assert.equal(output.raw.length, 4)
    assert.doesNotMatch(output.raw.join(''), /payment|Jane|declined/)
  })

  it('is hidden while the name of the field that was wrong stays', () => {
    const hide = hideRecordText(record)
    assert.equal(
      hide(`failed to parse field [http.response.status] of type [long]: "${message}"`),
      'failed to parse field [http.response.status] of type [long]: "[text]"',
    )
  })

  it('is hidden for lines of text, broken UTF-8 and tombstones alike', () => {
    assert.equal(hideRecordText(sourceRecord('a plain line of text'))('at: plain line of te!'), 'at:[text]!')
    assert.equal(hideRecordText(sourceRecord(Buffer.from([0xff, 0xfe])))('broken'), 'broken')
    assert.equal(hideRecordText(sourceRecord(null))('a tombstone'), 'a tombstone')
  })
})
