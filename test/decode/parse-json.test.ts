import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseJsonObject } from '../../src/decode/parse-json.js'

void describe('a JSON object', () => {
  void it('keeps its text, in one line, so that numbers reach the document as they came', () => {
    const { raw } = parseJsonObject(' {\r\n "id": 12345678901234567890,\n\n"ratio": 1.0 }\n')
    assert.equal(raw, '{  "id": 12345678901234567890, "ratio": 1.0 }')
  })

  void it('keeps escaped line ends within strings', () => {
    const text = JSON.stringify({ message: 'one\ntwo\r\nthree' })
    assert.equal(parseJsonObject(text).raw, text)
  })

  void it('loses its text where a name stands twice at any depth, also in another spelling; the last one counts', () => {
    for (const text of [
      '{"a":1,"a":2}',
      '{"b":[{"a":1,"a":2}]}',
      '{"a":1,"\\u0061":2}',
      '{"a":{"x":1},"a":{}}',
    ]) {
      assert.equal(parseJsonObject(text).raw, undefined, text)
    }
    assert.deepEqual(parseJsonObject('{"a":1,"a":2}').fields, { a: 2 })
  })

  void it('has its text whenever it came from a serialiser, and the text says the same', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.constantFrom(undefined, 1, '\t'),
        (value, indent) => {
          const text = JSON.stringify(value, null, indent)
          const { raw, fields } = parseJsonObject(text)
          assert.ok(raw !== undefined && !/[\r\n]/.test(raw))
          assert.deepEqual(JSON.parse(raw), JSON.parse(text))
          assert.deepEqual(fields, JSON.parse(text))
        },
      ),
    )
  })

  void it('has a __proto__ key like any other and changes no prototype', () => {
    const { fields, raw } = parseJsonObject('{"__proto__":{"polluted":true},"constructor":1}')
    assert.deepEqual(Object.keys(fields), ['__proto__', 'constructor'])
    assert.equal(Object.getPrototypeOf(fields), Object.prototype)
    assert.equal(raw, '{"__proto__":{"polluted":true},"constructor":1}')
  })

  void it('is refused, in no time and without an overflow, when it is nested too deep', () => {
    const nested = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`
    assert.ok(parseJsonObject(nested(1000)).raw)
    assert.throws(() => parseJsonObject(nested(1001)), /nested deeper than 1000/)
    assert.throws(() => parseJsonObject(nested(5_000_000)), /nested deeper|not valid JSON/)
    assert.throws(() => parseJsonObject('{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000)), /nested deeper/)
    assert.ok(parseJsonObject(JSON.stringify({ message: '[{'.repeat(100_000) })).raw)
  })

  void it('is refused without a word of what it says', () => {
    const secret = 'hunter2'
    for (const text of [
      `{"a": ${secret}}`,
      secret,
      `{"a":"${secret}`,
      `{"a":"${secret}"`,
      `["${secret}"]`,
      `"${secret}"`,
      '1',
    ]) {
      assert.throws(
        () => parseJsonObject(text),
        (error: Error) => !error.message.includes('hunt') && error.cause === undefined,
        text,
      )
    }
    assert.throws(() => parseJsonObject('{"a":"b" "c"}'), /wrong at character 9/)
    assert.throws(() => parseJsonObject('{"a":'), /ends too early/)
    assert.throws(() => parseJsonObject('[1]'), /an array and not an object/)
    assert.throws(() => parseJsonObject('null'), /null and not an object/)
  })
})
