import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseLogfmt } from '../../src/decode/parse-logfmt.js'

const key = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/[\s="]/.test(text))
const anyText = fc.string({ unit: 'binary' })

/** As go-logfmt writes: quoted only where needed. */
function write(fields: ReadonlyMap<string, string | boolean>): string {
  return [...fields]
    .map(([name, value]) => {
      if (value === true) return name
      const text = String(value)
      return /[\s="\\]/.test(text) ? `${name}=${JSON.stringify(text)}` : `${name}=${text}`
    })
    .join(' ')
}

void describe('a line of logfmt', () => {
  void it('gives its pairs as strings and bare keys as true', () => {
    assert.deepEqual(
      parseLogfmt('  level=info  msg="a \\"quoted\\" text" code=007 empty= none="" retry query=a=b\tdone \n'),
      {
        level: 'info',
        msg: 'a "quoted" text',
        code: '007',
        empty: '',
        none: '',
        retry: true,
        query: 'a=b',
        done: true,
      },
    )
  })

  void it('undoes escapes and keeps unknown ones', () => {
    assert.deepEqual(parseLogfmt(String.raw`a="x\ny\tz\u0041\\" b="C:\dir"`), {
      a: 'x\ny\tzA\\',
      b: String.raw`C:\dir`,
    })
  })

  void it('comes back as it was written, whatever the keys and texts', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(key, fc.oneof(anyText, fc.constant(true)))), (pairs) => {
        const fields = new Map(pairs)
        assert.deepEqual(new Map(Object.entries(parseLogfmt(write(fields)))), fields)
      }),
    )
  })

  void it('is refused where a quote or a key is wrong, without being quoted', () => {
    for (const line of ['msg="open', 'a=b"c"', '=value', 'a="b"c', '"quoted"=1', 'a="b\\"', 'a b=" =']) {
      assert.throws(() => parseLogfmt(line), /^Error: it is not logfmt: wrong at character \d+$/, line)
    }
  })

  void it('may have a key named __proto__', () => {
    const fields = parseLogfmt('__proto__=x constructor=y')
    assert.deepEqual(Object.entries(fields), [
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ])
    assert.equal(Object.getPrototypeOf(fields), Object.prototype)
  })

  void it('takes linear time and no stack on long input', () => {
    const long = 'a'.repeat(4 << 20)
    for (const line of [
      long,
      `k="${long}"`,
      `k=${long}`,
      `k="${'\\n'.repeat(1 << 20)}"`,
      ' '.repeat(4 << 20),
    ]) {
      assert.doesNotThrow(() => parseLogfmt(line))
    }
    assert.throws(() => parseLogfmt(`k="${'\\"'.repeat(1 << 20)}`))
  })
})
