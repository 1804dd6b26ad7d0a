import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { EnrichdError } from '../../src/errors.js'
import { indexName, indexNameProblem } from '../../src/sink/index-name.js'
import { sinkDocument } from '../support/sink-records.js'

const at = (iso: string, source: Record<string, unknown> = {}) => sinkDocument(source, Date.parse(iso))
const invalid = (error: unknown) =>
  error instanceof EnrichdError && error.code === 'INDEX_NAME_INVALID' && error.kind === 'record'

test('an index is named by the time of the record, in UTC', () => {
  const name = indexName('enrichd-logs-{yyyy}-{MM}')
  assert.equal(name(at('2005-06-03T15:42:50Z'), 'logs'), 'enrichd-logs-2005-06')
  assert.equal(name(at('2024-12-31T23:59:59.999Z'), 'logs'), 'enrichd-logs-2024-12')
  assert.equal(name(at('2025-01-01T00:00:00Z'), 'logs'), 'enrichd-logs-2025-01')
  assert.equal(name(at('1969-12-31T23:00:00Z'), 'logs'), 'enrichd-logs-1969-12')
  assert.equal(indexName('a.{yyyy}.{MM}.{dd}.{HH}')(at('2024-02-29T05:00:00Z'), 't'), 'a.2024.02.29.05')
})

test('a topic and record fields are made lower-case and safe', () => {
  const name = indexName('x-{topic}-{service.name}')
  assert.equal(
    name(at('2024-01-01', { service: { name: 'Pay Ments/EU' } }), 'Logs.A'),
    'x-logs.a-pay-ments-eu',
  )
  assert.equal(name(at('2024-01-01', { 'service.name': 7 }), 't'), 'x-t-7')
  assert.equal(name(at('2024-01-01', { service: { name: 'naïve:*' } }), 't'), 'x-t-na-ve--')
})

test('a record without the field of the template, or with one that makes no name, is at fault', () => {
  const name = indexName('x-{service}')
  for (const service of [undefined, null, '', {}, [], 'a'.repeat(300), 'a'.repeat(5_000_000)]) {
    assert.throws(() => name(at('2024-01-01', { service }), 't'), invalid)
  }
  assert.throws(() => indexName('x-{__proto__.a}')(at('2024-01-01'), 't'), invalid)
})

test('a time outside the years 0 to 9999 is the record at fault', () => {
  const name = indexName('x-{yyyy}')
  for (const timeMs of [Number.NaN, 8.64e15, -8.64e15, 1e17]) {
    assert.throws(() => name(sinkDocument({}, timeMs), 't'), invalid)
  }
  assert.equal(name(sinkDocument({}, Date.parse('0000-05-01T00:00:00Z')), 't'), 'x-0000')
})

test('a template that cannot make names is refused at once', () => {
  for (const template of [
    '',
    '{topic}',
    '{yyyy}-x',
    '-x',
    '_x',
    '+x',
    'X-{yyyy}',
    'a b',
    'x-{}',
    'x-{topic',
    'x}',
    'a/b',
    'x:{topic}',
  ]) {
    assert.throws(() => indexName(template), RangeError, template)
  }
})

test('the rules of Elasticsearch for names are kept', () => {
  for (const name of [
    '',
    '.',
    '..',
    '-a',
    '_a',
    '+a',
    'A',
    'a b',
    'a,b',
    'a#b',
    'a:b',
    'a*',
    'a?',
    'a"',
    'a<',
    'a|',
    'a\\',
    'a/b',
    'é'.repeat(128),
  ]) {
    assert.notEqual(indexNameProblem(name), undefined, name)
  }
  for (const name of ['a', 'a-b_c+d.e', '.hidden', 'é'.repeat(127), 'a'.repeat(255)]) {
    assert.equal(indexNameProblem(name), undefined, name)
  }
})

test('whatever a record holds, its index name is valid or the record is at fault', () => {
  const name = indexName('p-{yyyy}-{topic}-{a.b}')
  fc.assert(
    fc.property(fc.anything(), fc.string({ unit: 'binary' }), fc.integer(), (b, topic, timeMs) => {
      try {
        assert.equal(
          indexNameProblem(name({ ...sinkDocument({}, timeMs), fields: { a: { b } } }, topic)),
          undefined,
        )
      } catch (error) {
        assert.ok(invalid(error), String(error))
      }
    }),
  )
})

test('a remembered name is never given to a record of another hour or topic', () => {
  const cached = indexName('p-{topic}-{yyyy}-{MM}-{dd}-{HH}')
  const hours = fc.integer({ min: -5, max: 5 })
  fc.assert(
    fc.property(fc.array(fc.tuple(hours, fc.constantFrom('a', 'b'))), (records) => {
      for (const [hour, topic] of records) {
        const document = sinkDocument({}, Date.parse('2024-01-01T00:00:00Z') + hour * 1_800_000)
        const iso = new Date(document.indexTimeMs).toISOString()
        assert.equal(cached(document, topic), `p-${topic}-${iso.slice(0, 10)}-${iso.slice(11, 13)}`)
      }
    }),
  )
})
